"""The benchmark of the intervals simulates what it says."""

import numpy as np
import pytest

from benchmarks import intervals
from ncf_assets.ncf.random_streams import rng


def test_simulated_models_are_equal() -> None:
    """The two halves of 50,000 users' ranks have the same mean NDCG@10, within 4 deviations."""
    ndcg = intervals._values(intervals.full_ranks(25_000, 2, "easy", rng(1, "users")))["ndcg"]
    difference = ndcg[:, 0] - ndcg[:, 1]
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(25_000)
    assert ndcg.mean() == pytest.approx(intervals.true_means("easy")["ndcg"], rel=0.03)


def test_pages_on_equal_models_claim_little_and_others_much() -> None:
    """Of 30 pages 1.5 are expected, and 7 or more have a chance of 1 in 1,000."""
    assert intervals.false_claims(400, 2, "hard", 30) < 7 / 30
    generator = rng(2, "better")
    rows = intervals._better_page(400, 2, "hard", 0.2, generator)
    assert intervals.claims(rows)
