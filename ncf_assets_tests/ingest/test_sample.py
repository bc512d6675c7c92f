"""The bundled sample has its properties, and the committed file is what the code makes."""

import gzip
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ncf_assets.datasets import load
from ncf_assets.ingest.reader import read
from ncf_assets.ingest.sample import CORE, sample, write

DATA = Path(__file__).parents[2] / "data"
FILE = DATA / "sample" / "reviews_Sample_5.json.gz"


@pytest.fixture(scope="module")
def lines() -> bytes:
    """Make the sample's lines."""
    return sample()


@pytest.fixture(scope="module")
def reviews(lines: bytes) -> list[dict[str, Any]]:
    """Parse the sample's lines."""
    return [json.loads(line) for line in lines.splitlines()]


def test_the_committed_file_is_what_the_code_makes(lines: bytes) -> None:
    """The unpacked lines are compared, as zlib's versions may pack differently."""
    assert gzip.decompress(FILE.read_bytes()) == lines


def test_the_committed_file_is_small() -> None:
    """It has less than 2 MB, as every clone of the repository has it."""
    assert FILE.stat().st_size < 2_000_000


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The gzip header has no time and no name."""
    write(tmp_path / "a.gz", b"x\n")
    write(tmp_path / "b.gz", b"x\n")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_another_seed_makes_another_sample(lines: bytes) -> None:
    """The seed is used."""
    assert sample(seed=1) != lines


def test_every_line_is_accepted_and_counted_in_the_registry() -> None:
    """2014-07-23 is the last day of the 2014 files."""
    dataset = load(DATA / "datasets.toml")["Sample"]
    batches = list(read(FILE, dataset, datetime(2014, 7, 23, tzinfo=UTC).date()))
    assert sum(batch.rejected.num_rows for batch in batches) == 0
    assert sum(batch.accepted.num_rows for batch in batches) == dataset.expected_reviews


def test_it_is_5_core_without_duplicates(reviews: list[dict[str, Any]]) -> None:
    """Every user and item has 5 or more reviews, and no pair has two."""
    pairs = Counter((r["reviewerID"], r["asin"]) for r in reviews)
    users = Counter(user for user, _ in pairs)
    items = Counter(item for _, item in pairs)
    assert max(pairs.values()) == 1
    assert min(users.values()) == min(items.values()) == CORE == 5
    assert (len(users), len(items), len(pairs)) == (1503, 801, 22954)


def test_activity_and_popularity_have_long_tails(reviews: list[dict[str, Any]]) -> None:
    """The top tenth of the items, and of the users, has 30 % of the reviews or more."""
    for key in ("asin", "reviewerID"):
        counts = sorted(Counter(r[key] for r in reviews).values(), reverse=True)
        assert sum(counts[: len(counts) // 10]) > 0.3 * len(reviews)


def test_days_are_whole_and_last_days_are_shared(reviews: list[dict[str, Any]]) -> None:
    """About 40 % of the users wrote 2 or more reviews on their last day, as in the real files."""
    times = defaultdict(list)
    for review in reviews:
        times[review["reviewerID"]].append(review["unixReviewTime"])
    assert all(time % 86_400 == 0 for own in times.values() for time in own)
    tied = sum(own.count(max(own)) > 1 for own in times.values())
    assert 0.35 < tied / len(times) < 0.45


def test_a_line_looks_like_one_of_2014(reviews: list[dict[str, Any]]) -> None:
    """Ids are as long as Amazon's, both dates are the same day, and most ratings are 5."""
    for review in reviews[:100]:
        day = datetime.fromtimestamp(review["unixReviewTime"], tz=UTC)
        assert review["reviewTime"] == f"{day.month:02d} {day.day}, {day.year}"
        assert (len(review["reviewerID"]), review["reviewerID"][0]) == (14, "A")
        assert (len(review["asin"]), review["asin"][:3]) == (10, "B00")
    stars = Counter(review["overall"] for review in reviews)
    assert set(stars) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert stars[5.0] > len(reviews) / 2
