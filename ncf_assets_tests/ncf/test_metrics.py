"""Hit ratio, NDCG and their intervals, against values worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf import metrics, ranking
from ncf_assets.ncf.randomness import rng

ranks = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=20)


def one(formula: object, n_better: int, n_tied: int, k: int = 10) -> float:
    """The metric of one user."""
    assert callable(formula)
    values: np.ndarray = formula(np.array([n_better]), np.array([n_tied]), k)
    assert values.shape == (1,)
    return float(values[0])


@pytest.mark.parametrize(
    ("n_better", "expected"),
    [
        (0, 1.0),  # rank 1: 1 / log2(2)
        (1, 0.6309),  # rank 2: 1 / log2(3) = 1 / 1.5850
        (9, 0.2891),  # rank 10: 1 / log2(11) = 1 / 3.4594
        (10, 0.0),  # rank 11: beyond k
        (99, 0.0),
    ],
)
def test_ndcg_by_hand(n_better: int, expected: float) -> None:
    """The logarithm is to base 2, of the rank plus 1."""
    assert one(metrics.ndcg, n_better, 0) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("n_better", "expected"), [(0, 1), (9, 1), (10, 0), (99, 0)])
def test_hit_ratio_by_hand(n_better: int, expected: float) -> None:
    """Rank 10 is the last hit of a list of 10."""
    assert one(metrics.hit_ratio, n_better, 0) == expected


def test_a_tie_counts_half() -> None:
    """With 9 better and 1 equal the rank is 10 or 11: a hit in one case of two."""
    assert one(metrics.hit_ratio, 9, 1) == 0.5
    assert one(metrics.ndcg, 9, 1) == pytest.approx(1 / math.log2(11) / 2)


def test_a_tie_at_the_top_gains_the_mean_of_both_places() -> None:
    """Rank 1 or 2: a sure hit, and (1 + 0.6309) / 2 = 0.8155."""
    assert one(metrics.hit_ratio, 0, 1) == 1
    assert one(metrics.ndcg, 0, 1) == pytest.approx(0.8155, abs=5e-5)


def test_ties_beyond_the_list_count_nothing() -> None:
    """At rank 11 to 16 nothing is won by luck."""
    assert one(metrics.hit_ratio, 10, 5) == one(metrics.ndcg, 10, 5) == 0


def test_a_constant_model_scores_as_chance() -> None:
    """Over 1 + 99: HR@10 is 10 / 100; NDCG@10 is (1 / log2(2) + … + 1 / log2(11)) / 100."""
    better, tied = ranking.count_better_and_tied(np.zeros((3, 100)))
    assert metrics.hit_ratio(better, tied, 10).tolist() == [0.1, 0.1, 0.1]
    by_hand = sum(1 / math.log2(rank + 1) for rank in range(1, 11)) / 100
    assert by_hand == pytest.approx(0.04544, abs=5e-6)
    assert metrics.ndcg(better, tied, 10) == pytest.approx([by_hand] * 3)


def test_a_perfect_model_scores_one() -> None:
    """Every held-out item first."""
    scores = np.column_stack([np.ones(4), np.zeros((4, 99))])
    better, tied = ranking.count_better_and_tied(scores)
    assert metrics.hit_ratio(better, tied, 10).tolist() == [1] * 4
    assert metrics.ndcg(better, tied, 10).tolist() == [1] * 4


def test_optimistic_and_pessimistic_win_and_lose_all_ties() -> None:
    """One user at rank 10 or 11: a hit, half a hit, no hit."""
    values = {
        metric.metric: metric.value
        for metric in metrics.summarise(np.array([9]), np.array([1]), 10, rng(1, "test"))
    }
    at_10 = 1 / math.log2(11)
    assert values == {
        "hr": 0.5,
        "hr_optimistic": 1,
        "hr_pessimistic": 0,
        "ndcg": pytest.approx(at_10 / 2),
        "ndcg_optimistic": pytest.approx(at_10),
        "ndcg_pessimistic": 0,
    }


def test_a_summary_is_the_mean_over_users() -> None:
    """Ranks 1 and 11: HR@10 is 1 / 2, from two users."""
    hr, *_ = metrics.summarise(np.array([0, 10]), np.array([0, 0]), 10, rng(1, "test"))
    assert (hr.metric, hr.k, hr.value, hr.n_users) == ("hr", 10, 0.5, 2)
    assert hr.ci_low <= 0.5 <= hr.ci_high


@given(ranks, st.integers(1, 50))
def test_metrics_stay_in_range(pairs: list[tuple[int, int]], k: int) -> None:
    """Whatever the ranks: 0 ≤ NDCG ≤ HR ≤ 1, with one relevant item."""
    better, tied = np.array(pairs).T
    hr, ndcg = metrics.hit_ratio(better, tied, k), metrics.ndcg(better, tied, k)
    assert (ndcg >= 0).all()
    assert (ndcg <= hr).all()
    assert (hr <= 1).all()


@given(ranks, st.integers(1, 50))
def test_expectation_is_the_mean_over_all_places(pairs: list[tuple[int, int]], k: int) -> None:
    """The closed forms equal the plain average over the ranks that the ties leave open."""
    better, tied = np.array(pairs).T
    for row, (n_better, n_tied) in enumerate(pairs):
        places = range(n_better + 1, n_better + n_tied + 2)
        hits = [float(place <= k) for place in places]
        gains = [1 / math.log2(place + 1) if place <= k else 0 for place in places]
        assert metrics.hit_ratio(better, tied, k)[row] == pytest.approx(sum(hits) / len(hits))
        assert metrics.ndcg(better, tied, k)[row] == pytest.approx(sum(gains) / len(gains))


@given(ranks, st.randoms())
def test_the_order_of_users_does_not_count(pairs: list[tuple[int, int]], random: object) -> None:
    """A user's metric is the user's own, and the interval is over the set of users."""
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        metrics.summarise(*np.array(users).T, 10, rng(1, "test")) for users in (pairs, shuffled)
    )
    for left, right in zip(one, other, strict=True):
        assert left.value == pytest.approx(right.value)
        assert (left.ci_low, left.ci_high) == (right.ci_low, right.ci_high)


def test_the_interval_has_the_width_of_the_normal_one() -> None:
    """For 2000 users in the middle of the scale, mean ± 1.96 · sd / √n is right to a few %."""
    values = rng(1, "users").beta(2, 3, size=2000)
    low, high = metrics.bootstrap_interval(values, rng(1, "bootstrap"))
    half_width = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.15)


def test_the_interval_of_hits_has_the_width_of_the_normal_one() -> None:
    """400 hits of 1000: 1.96 · √(0.4 · 0.6 / 1000) = 0.0304 to either side."""
    values = np.repeat([1.0, 0.0], [400, 600])
    low, high = metrics.bootstrap_interval(values, rng(1, "bootstrap"))
    assert low == pytest.approx(0.4 - 0.0304, abs=0.0046)
    assert high == pytest.approx(0.4 + 0.0304, abs=0.0046)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """95 % of 300 simulated samples; fewer than 91 % or all would be beyond three deviations."""
    generator = rng(2, "simulation")
    covered = 0
    for i in range(300):
        values = (generator.random(400) < 0.4).astype(float)
        low, high = metrics.bootstrap_interval(values, rng(i, "b"), resamples=400)
        covered += low <= 0.4 <= high
    assert 0.91 * 300 < covered < 300


def test_a_higher_level_is_a_wider_interval() -> None:
    """99 % reaches 2.58 standard errors, 50 % only 0.67."""
    values = np.repeat([1.0, 0.0], [400, 600])
    narrow, wide = (
        metrics.bootstrap_interval(values, rng(1, "bootstrap"), level) for level in (0.5, 0.99)
    )
    assert wide[0] < narrow[0] < 0.4 < narrow[1] < wide[1]


def test_the_interval_follows_from_the_generator() -> None:
    """The same seed gives the same interval, another seed another one."""
    values = rng(1, "users").random(200)
    first, again, other = (
        metrics.bootstrap_interval(values, rng(seed, "bootstrap")) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_interval_does_not_need_all_resamples_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chunks of any size draw the same numbers."""
    values = rng(1, "users").random(50)
    whole = metrics.bootstrap_interval(values, rng(1, "bootstrap"))
    monkeypatch.setattr(metrics, "CHUNK", 300)
    assert metrics.bootstrap_interval(values, rng(1, "bootstrap")) == whole


def test_equal_users_have_an_interval_of_no_width() -> None:
    """Resampling what is all the same changes nothing."""
    low, high = metrics.bootstrap_interval(np.full(30, 0.1), rng(1, "bootstrap"))
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)


def test_no_users_have_no_metrics() -> None:
    """The mean of nothing is undefined, so this is said instead of NaN."""
    nobody = np.array([], np.int32)
    with pytest.raises(ValueError, match="over users, found none; give at least one"):
        metrics.summarise(nobody, nobody, 10, rng(1, "test"))
