"""The gains of a rank equal values worked by hand and those of scikit-learn."""

import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.evaluation import rank_gains, ranking

on_any_machine = settings(deadline=None)  # a first or a busy call takes longer
ranks = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=20)


def one(formula: object, n_better: int, n_tied: int, k: int = 10) -> float:
    """Return the metric of one user."""
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
    assert one(rank_gains.expected_dcg, n_better, 0) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("n_better", "expected"), [(0, 1), (9, 1), (10, 0), (99, 0)])
def test_hit_ratio_by_hand(n_better: int, expected: float) -> None:
    """Rank 10 is the last hit of a list of 10."""
    assert one(rank_gains.expected_hits, n_better, 0) == expected


@pytest.mark.parametrize(("n_better", "expected"), [(0, 1), (1, 0.5), (3, 0.25), (9, 0.1), (10, 0)])
def test_reciprocal_rank_by_hand(n_better: int, expected: float) -> None:
    """The gain is 1 / rank, and 0 beyond the list."""
    assert one(rank_gains.expected_reciprocal_rank, n_better, 0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n_better", "n_tied", "expected"),
    [(0, 0, 1), (99, 0, 0), (33, 0, 2 / 3), (0, 99, 0.5), (9, 10, 85 / 99)],
)
def test_auc_by_hand(n_better: int, n_tied: int, expected: float) -> None:
    """Of 99 others, those beaten count, and half of those equal: in the last row 80 and 5."""
    values = rank_gains.share_beaten(np.array([n_better]), np.array([n_tied]), np.array([100]))
    assert values == pytest.approx(expected)


def test_a_tie_counts_half() -> None:
    """With 9 better and 1 equal, the rank is 10 or 11, which is a hit in one case of two."""
    assert one(rank_gains.expected_hits, 9, 1) == 0.5
    assert one(rank_gains.expected_dcg, 9, 1) == pytest.approx(1 / math.log2(11) / 2)
    assert one(rank_gains.expected_reciprocal_rank, 9, 1) == pytest.approx(1 / 10 / 2)


def test_a_tie_at_the_top_gains_the_mean_of_both_ranks() -> None:
    """At rank 1 or 2 a hit is certain, and NDCG is (1 + 0.6309) / 2 = 0.8155."""
    assert one(rank_gains.expected_hits, 0, 1) == 1
    assert one(rank_gains.expected_dcg, 0, 1) == pytest.approx(0.8155, abs=5e-5)


def test_ties_beyond_the_list_count_nothing() -> None:
    """At ranks 11 to 16, luck gains nothing."""
    assert one(rank_gains.expected_hits, 10, 5) == one(rank_gains.expected_dcg, 10, 5) == 0


def test_a_constant_model_scores_as_chance() -> None:
    """Among 1 + 99, HR@10 is 10 / 100 and NDCG@10 (1 / log2(2) + … + 1 / log2(11)) / 100."""
    better, tied = ranking.count_better_and_tied(np.zeros((3, 100)))
    assert rank_gains.expected_hits(better, tied, 10).tolist() == [0.1, 0.1, 0.1]
    by_hand = sum(1 / math.log2(rank + 1) for rank in range(1, 11)) / 100
    assert by_hand == pytest.approx(0.04544, abs=5e-6)
    assert rank_gains.expected_dcg(better, tied, 10) == pytest.approx([by_hand] * 3)
    assert rank_gains.share_beaten(better, tied, np.full(3, 100)).tolist() == [0.5] * 3


def test_a_perfect_model_scores_one() -> None:
    """Every held-out item is first."""
    scores = np.column_stack([np.ones(4), np.zeros((4, 99))])
    better, tied = ranking.count_better_and_tied(scores)
    assert rank_gains.expected_hits(better, tied, 10).tolist() == [1] * 4
    assert rank_gains.expected_dcg(better, tied, 10).tolist() == [1] * 4
    assert rank_gains.expected_reciprocal_rank(better, tied, 10).tolist() == [1] * 4
    assert rank_gains.share_beaten(better, tied, np.full(4, 100)).tolist() == [1] * 4


@given(ranks, st.integers(1, 50))
def test_metrics_stay_in_range(pairs: list[tuple[int, int]], k: int) -> None:
    """With one relevant item, 0 ≤ MRR ≤ NDCG ≤ HR ≤ 1 and 0 ≤ AUC ≤ 1 at any rank."""
    better, tied = np.array(pairs).T
    mrr, ndcg, hr = (
        formula(better, tied, k)
        for formula in (
            rank_gains.expected_reciprocal_rank,
            rank_gains.expected_dcg,
            rank_gains.expected_hits,
        )
    )
    auc = rank_gains.share_beaten(better, tied, better + tied + 2)
    for lower, higher in ((0 * mrr, mrr), (mrr, ndcg), (ndcg, hr), (hr, 0 * hr + 1)):
        assert (lower <= higher + 1e-12).all()
    assert ((auc >= 0) & (auc <= 1)).all()


@given(ranks, st.integers(1, 50))
def test_expectation_is_the_mean_over_all_ranks(pairs: list[tuple[int, int]], k: int) -> None:
    """The closed forms equal the plain average over the ranks that the ties leave open."""
    better, tied = np.array(pairs).T
    for row, (n_better, n_tied) in enumerate(pairs):
        ranks = range(n_better + 1, n_better + n_tied + 2)
        hits = [float(rank <= k) for rank in ranks]
        gains = [1 / math.log2(rank + 1) if rank <= k else 0 for rank in ranks]
        assert rank_gains.expected_hits(better, tied, k)[row] == pytest.approx(
            sum(hits) / len(hits)
        )
        assert rank_gains.expected_dcg(better, tied, k)[row] == pytest.approx(
            sum(gains) / len(gains)
        )


scores_of_lists = arrays.arrays(
    np.float64,
    (6, 15),
    elements=st.integers(0, 9).map(float),  # ten values, so many ties
)


@on_any_machine
@given(scores_of_lists, st.integers(1, 20))
def test_ndcg_is_that_of_scikit_learn(scores: np.ndarray, k: int) -> None:
    """scikit-learn averages over ties as well (McSherry and Najork 2008)."""
    relevant = np.zeros_like(scores)
    relevant[:, 0] = 1
    values = rank_gains.expected_dcg(*ranking.count_better_and_tied(scores), k)
    assert values.mean() == pytest.approx(sklearn.metrics.ndcg_score(relevant, scores, k=k))


@on_any_machine
@given(scores_of_lists)
def test_auc_is_that_of_scikit_learn(scores: np.ndarray) -> None:
    """AUC is compared user by user; scikit-learn counts a tie as half a win, too."""
    relevant = np.arange(15) == 0
    values = rank_gains.share_beaten(*ranking.count_better_and_tied(scores), np.full(6, 15))
    expected = [sklearn.metrics.roc_auc_score(relevant, row) for row in scores]
    assert values == pytest.approx(expected)


@on_any_machine
@given(st.permutations(range(15)), st.integers(1, 14))
def test_without_ties_rank_and_hit_are_those_of_scikit_learn(order: list[int], k: int) -> None:
    """Its label ranking precision of one label is the reciprocal rank.

    Its top-k accuracy is the hit ratio.
    """
    scores = np.array([order], float)
    ranks = ranking.count_better_and_tied(scores)
    relevant = (np.arange(15) == 0)[None].astype(int)
    expected = sklearn.metrics.label_ranking_average_precision_score(relevant, scores)
    assert rank_gains.expected_reciprocal_rank(*ranks, 15) == pytest.approx(expected)
    hit = sklearn.metrics.top_k_accuracy_score([0], scores, k=k, labels=range(15))
    assert rank_gains.expected_hits(*ranks, k) == hit


@given(scores_of_lists)
def test_only_the_order_of_scores_counts(scores: np.ndarray) -> None:
    """Any rising function of the scores leaves all ranks, and so all metrics, unchanged."""
    before = ranking.count_better_and_tied(scores)
    for rising in (np.exp, lambda x: 3 * x - 7, np.cbrt):
        after = ranking.count_better_and_tied(rising(scores))
        np.testing.assert_array_equal(before, after)
