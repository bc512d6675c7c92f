"""The steps of `benchmarks.tutorial` are right, on reviews counted by hand."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks import generate, tutorial
from benchmarks.lineage import Done, Step
from benchmarks.pipeline import by_step, compare

# in a process of its own, as it forks, which a process that has trained must not do
TIMED = """
import json, sys
from pathlib import Path
from benchmarks import tutorial
file = Path(sys.argv[1])
part = tutorial.Part(read=3_000, users=15, steps=2)
times = tutorial.tutorial(file, tutorial.whole(file), part)
print(json.dumps({name: timed.part for name, timed in times.items()}))
"""
REVIEWS = pd.DataFrame(
    [
        ("ann", "hat", 5.0, 10),
        ("ann", "cap", 4.0, 20),
        ("ann", "tie", 3.0, 20),
        ("ben", "hat", 1.0, 5),
    ],
    columns=tutorial.COLUMNS,
)


def test_the_last_review_of_each_user_is_the_test() -> None:
    """Of ann's two last reviews on one day the first line is taken.

    Ranks are dense, and the latest is 1.
    """
    ranked = tutorial.rank(REVIEWS)
    assert ranked["rank"].tolist() == [2, 1, 1, 1]
    train, test = tutorial.split(tutorial.number(ranked))
    assert test.to_numpy().tolist() == [[0, 1], [1, 0]]
    assert train.to_numpy().tolist() == [[0, 0], [0, 2]]


def test_negatives_are_items_that_the_user_has_not_rated() -> None:
    """There are 99 different ones for the test, and 4 for each training pair."""
    test, train = tutorial.draw(np.arange(150), np.array([3, 7, 9]))
    assert len(set(test.tolist())) == 99
    assert len(train) == 4 * 2
    assert not {3, 7, 9} & {*test.tolist(), *train.tolist()}


def test_what_is_done_in_part_is_multiplied_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step on a tenth of the data counts ten times."""
    clock = SimpleNamespace(perf_counter=iter([10.0, 12.0, 20.0, 22.0]).__next__)
    monkeypatch.setattr(tutorial, "time", clock)
    _, entire = tutorial.timed(lambda: None)
    _, tenth = tutorial.timed(lambda: None, 0.1)
    assert tutorial.of(entire) == ""
    assert tutorial.of(tenth) == "  (extrapolated from 10.00% of the data)"
    assert (entire.seconds, tenth.seconds) == (2, pytest.approx(20))


@pytest.mark.acceptance
def test_every_step_is_timed_on_a_generated_file(tmp_path: Path) -> None:
    """Reading is timed on all of 3,000 reviews, other steps on a few users and steps."""
    file = tmp_path / "reviews.json.gz"
    generate.write(file, generate.Size(reviews=3_000, users=150, items=400), 1)
    reviews = tutorial.whole(file)
    assert len(reviews) == 3_000
    assert reviews["reviewerID"].nunique() == 150
    call = [sys.executable, "-c", TIMED, str(file)]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    parts = json.loads(done.stdout.splitlines()[-1])
    assert set(parts) == {"read", "rank", "map", "split", "negatives", "train", "evaluate"}
    assert parts["read"] == 1
    assert parts["negatives"] == pytest.approx(0.1)


def test_a_ratio_is_the_tutorials_time_by_the_lineages() -> None:
    """Reading takes 6 s against 2 s; every other step of the lineage takes 1 s."""
    names = ["reviews", "latest_reviews", "users", "items", "interactions"]
    names += ["split_rule", "train", "validation", "test"]
    names += ["negatives", "test_candidates", "ials_model", "gmf_model", "mlp_model"]
    names += ["neumf_scratch_model", "neumf_model", "served_model"]
    names += ["scoring", "recommendations", "evaluation"]
    steps = {name: Step(name, 2.0 if name == "reviews" else 1.0, 100.0) for name in names}
    times = ("read", 6.0), ("rank", 1.0), ("map", 3.0), ("split", 4.0), ("negatives", 2.0)
    tutorial_times = {name: tutorial.Timed(seconds, 1) for name, seconds in times}
    tutorial_times |= {name: tutorial.Timed(60.0, 1) for name in ("train", "evaluate")}
    longer = compare(Done(47.0, 100.0, steps), by_step(tutorial_times))
    assert longer == {
        "read": 3,
        "rank and map": 1,
        "split": 1,
        "negatives": 1,
        "train": 10,
        "evaluate": 20,
        "before training": 16 / 12,
        "in all": 136 / 47,
    }
