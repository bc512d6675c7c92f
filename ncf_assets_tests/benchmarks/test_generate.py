"""The generated files of reviews are as `benchmarks.generate` describes them."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.generate import Size, counts, write

SMALL = Size(reviews=6_000, users=300, items=400, fewest=5)  # two gzip members


@pytest.mark.process
def test_the_same_seed_gives_the_same_bytes_from_one_process_or_two(tmp_path: Path) -> None:
    """It does not matter which process writes a block."""
    for processes in (1, 2):
        write(tmp_path / str(processes), SMALL, processes)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.process
def test_a_file_has_the_asked_size_and_no_pair_twice(tmp_path: Path) -> None:
    """Every user has the fewest reviews at least, and each item once."""
    n_bytes = write(tmp_path / "reviews.json.gz", SMALL, 1)
    text = gzip.decompress((tmp_path / "reviews.json.gz").read_bytes())
    reviews = [json.loads(line) for line in text.splitlines()]
    by_user = Counter(review["reviewerID"] for review in reviews)
    assert len(text) == n_bytes
    assert len(reviews) == SMALL.reviews
    assert len(by_user) == SMALL.users
    assert min(by_user.values()) >= SMALL.fewest
    assert len({(review["reviewerID"], review["asin"]) for review in reviews}) == SMALL.reviews


def test_too_few_reviews_for_the_users_are_refused() -> None:
    """10 users with 5 reviews each need 50."""
    with pytest.raises(ValueError, match=r"need 50 reviews, got 49\. Ask for more reviews\."):
        counts(Size(reviews=49, users=10, items=400))


def test_too_few_items_for_a_user_are_refused() -> None:
    """One user with all 60 reviews would need 120 items."""
    with pytest.raises(ValueError, match=r"found 60 reviews of 100 items\. Ask for more items"):
        counts(Size(reviews=60, users=1, items=100))
