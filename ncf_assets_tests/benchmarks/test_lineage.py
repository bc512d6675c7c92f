"""`benchmarks.lineage` measures a materialization step by step."""

import time
from pathlib import Path

import pytest

from benchmarks import generate, growth
from benchmarks.lineage import data_folder, materialize, watched


def test_looks_are_taken_as_long_as_the_work_lasts() -> None:
    """Values are read one after the other until the work ends."""
    with watched(lambda: 7.0, 0.01) as looks:
        until = time.monotonic() + 60
        while len(looks) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    n = len(looks)
    assert n >= 3
    assert max(looks.values()) == 7
    time.sleep(0.03)
    assert len(looks) == n


def test_sizes_keep_the_proportions_of_movies_and_tv() -> None:
    """Only the size of the 2023 file has its own, known users and items."""
    assert growth.size(1_697_533) == generate.Size()
    assert growth.size(169_753) == generate.Size(169_753, 12_395, 5_005)
    assert growth.size(17_000_000).users == 6_500_000


@pytest.mark.acceptance
def test_each_step_has_its_time_and_memory(tmp_path: Path) -> None:
    """A run has two steps, in the order of their dependency, and both are within the run."""
    file = tmp_path / "reviews.json.gz"
    generate.write(file, generate.Size(reviews=3_000, users=150, items=400), 1)
    done = materialize(data_folder(tmp_path / "data", file), select=["raw_reviews", "users"])
    assert list(done.steps) == ["reviews", "users"]
    assert 0 < done.sum(done.steps) < done.seconds
    assert all(20 < step.peak_mb <= done.peak_mb for step in done.steps.values())
