"""Hit ratio and NDCG against values worked by hand, and what must hold for any ranks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf import metrics
from ncf_assets.ncf.randomness import rng
from ncf_assets.ncf.ranking import count_better_and_tied

RANKS = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), min_size=1, max_size=30)


def arrays(ranks: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """n_better and n_tied as arrays."""
    better, tied = zip(*ranks, strict=True)
    return np.array(better), np.array(tied)


@pytest.mark.parametrize(
    ("rank", "hit", "gain"),
    [
        (1, 1.0, 1.0),  # 1 / log2(2)
        (2, 1.0, 0.6309),  # 1 / log2(3)
        (3, 1.0, 0.5),  # 1 / log2(4)
        (10, 1.0, 0.2891),  # 1 / log2(11)
        (11, 0.0, 0.0),
        (100, 0.0, 0.0),
    ],
)
def test_a_rank_without_ties_has_its_textbook_value(rank: int, hit: float, gain: float) -> None:
    """At k = 10."""
    ranks = np.array([rank - 1]), np.array([0])
    assert metrics.hit_ratio(*ranks, 10) == [hit]
    assert metrics.ndcg(*ranks, 10) == pytest.approx([gain], abs=5e-5)


def test_a_tie_counts_half() -> None:
    """Nine are better and one is equal: place 10 or 11, so a hit in one of two cases."""
    ranks = np.array([9]), np.array([1])
    assert metrics.hit_ratio(*ranks, 10) == [0.5]
    assert metrics.ndcg(*ranks, 10) == pytest.approx([0.5 / math.log2(11)])


def test_a_constant_model_scores_a_tenth() -> None:
    """Place 1 to 100 with equal chance: HR@10 0.10, NDCG@10 the mean of ten gains over 100."""
    ranks = count_better_and_tied(np.full((3, 100), 0.7, np.float32))
    assert metrics.hit_ratio(*ranks, 10) == pytest.approx([0.1] * 3, abs=1e-15)
    gains = sum(1 / math.log2(place + 1) for place in range(1, 11))  # 4.5436
    assert metrics.ndcg(*ranks, 10) == pytest.approx([gains / 100] * 3)


def test_a_perfect_model_scores_one() -> None:
    """Nothing is better and nothing is tied."""
    ranks = count_better_and_tied(np.array([[2.0, 1.0, 0.0]]))
    assert metrics.hit_ratio(*ranks, 1) == [1.0]
    assert metrics.ndcg(*ranks, 1) == [1.0]


@given(RANKS, st.integers(1, 130))
def test_metrics_lie_within_0_and_1_and_ndcg_below_hr(ranks: list[tuple[int, int]], k: int) -> None:
    """For every user, whatever the ties."""
    hits, gains = metrics.hit_ratio(*arrays(ranks), k), metrics.ndcg(*arrays(ranks), k)
    assert ((hits >= 0) & (hits <= 1)).all()
    assert ((gains >= 0) & (gains <= hits + 1e-12)).all()


@given(RANKS, st.randoms(use_true_random=False))
def test_the_order_of_users_changes_no_mean(ranks: list[tuple[int, int]], random: object) -> None:
    """Summaries of shuffled users are equal but for rounding."""
    shuffled = ranks.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for ours, theirs in zip(
        metrics.summarise(*arrays(ranks), 10, rng(1, "a")),
        metrics.summarise(*arrays(shuffled), 10, rng(1, "a")),
        strict=True,
    ):
        assert ours.value == pytest.approx(theirs.value)


@given(RANKS)
def test_ties_lie_between_all_lost_and_all_won(ranks: list[tuple[int, int]]) -> None:
    """Pessimistic ≤ by expectation ≤ optimistic."""
    found = {m.metric: m.value for m in metrics.summarise(*arrays(ranks), 10, rng(1, "a"))}
    for name in ("hr", "ndcg"):
        assert found[f"{name}_pessimistic"] <= found[name] + 1e-12
        assert found[name] <= found[f"{name}_optimistic"] + 1e-12


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=20))
def test_a_monotone_transformation_of_scores_changes_no_rank(scores: list[int]) -> None:
    """3 x + 1 and x³ keep order and ties of small integers."""
    values = np.array([scores], np.float64)
    for changed in (3 * values + 1, values**3):
        for ours, theirs in zip(
            count_better_and_tied(values), count_better_and_tied(changed), strict=True
        ):
            assert (ours == theirs).all()


def test_the_interval_of_a_mean_has_the_width_of_the_normal_one() -> None:
    """2,000 values of 0 or 1, mean 0.3: 1.96 · √(0.3 · 0.7 / 2000) = 0.0201 either side."""
    values = np.repeat([1.0, 0.0], [600, 1400])
    low, high = metrics.bootstrap_interval(values, rng(1, "a"))
    assert low < 0.3 < high
    assert (high - low) / 2 == pytest.approx(0.0201, rel=0.15)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """95 % of 300 simulated samples; fewer than 91 % or all would be beyond three deviations."""
    generator = rng(2, "simulation")
    covered = 0
    for i in range(300):
        values = (generator.random(400) < 0.4).astype(float)
        low, high = metrics.bootstrap_interval(values, rng(i, "b"), resamples=400)
        covered += low <= 0.4 <= high
    assert 0.91 * 300 < covered < 300


def test_the_interval_follows_the_seed() -> None:
    """Equal generators give equal intervals."""
    values = np.arange(50) / 50
    assert metrics.bootstrap_interval(values, rng(3, "a")) == metrics.bootstrap_interval(
        values, rng(3, "a")
    )


def test_no_users_have_no_interval() -> None:
    """The error says what is missing."""
    with pytest.raises(ValueError, match="an interval is over users, found none"):
        metrics.bootstrap_interval(np.array([]), rng(1, "a"))
