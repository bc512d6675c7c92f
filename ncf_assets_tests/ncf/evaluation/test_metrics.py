"""Metrics of several relevant items equal values by hand, all orders of ties, and scikit-learn."""

import itertools
import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.evaluation import metrics
from ncf_assets.ncf.evaluation.metrics import RelevantItems

METRICS = {
    "hr": metrics.hit_ratio,
    "mrr": metrics.reciprocal_rank,
    "recall": metrics.recall,
    "precision": metrics.precision,
    "ndcg": metrics.ndcg,
    "map": metrics.average_precision,
}


def ranked(scores: np.ndarray, relevant: np.ndarray) -> RelevantItems:
    """Return the ranks of the relevant items, bool [users, items], by scores [users, items]."""
    users, items = np.nonzero(relevant)
    own, lists = scores[users, items][:, None], scores[users]
    better, tied = (lists > own).sum(axis=1), (lists == own).sum(axis=1) - 1
    lengths = np.full(users.size, scores.shape[1])
    return RelevantItems.of(users, lengths, better[:, None], tied[:, None])


def of(name: str, items: RelevantItems, k: int) -> list[float]:
    """Return a metric of each user by the one model."""
    values = METRICS[name](items, k)
    assert values.shape == (len(items.starts), 1)
    return [float(value) for value in values[:, 0]]


@pytest.mark.parametrize(
    ("name", "k", "ann", "ben"),
    [
        ("hr", 2, 1, 0),
        ("mrr", 3, 1, 1 / 3),
        ("recall", 2, 1 / 2, 0),
        ("recall", 3, 1, 1 / 2),
        ("precision", 3, 2 / 3, 1 / 3),
        ("ndcg", 3, (1 + 1 / 2) / (1 + 1 / math.log2(3)), (1 / 2) / (1 + 1 / math.log2(3))),
        ("ndcg", 1, 1, 0),  # the best that a list of one could have is one of the two
        ("map", 3, (1 / 1 + 2 / 3) / 2, (1 / 3) / 2),
        ("map", 5, (1 / 1 + 2 / 3) / 2, (1 / 3 + 2 / 4) / 2),
        ("map", 1, 1, 0),
    ],
)
def test_two_relevant_items_by_hand(name: str, k: int, ann: float, ben: float) -> None:
    """Of five items ann's two are at ranks 1 and 3, and ben's at ranks 3 and 4."""
    scores = np.array([[5, 4, 3, 2, 1]] * 2)
    relevant = np.array([[1, 0, 1, 0, 0], [0, 0, 1, 1, 0]], bool)
    assert of(name, ranked(scores, relevant), k) == pytest.approx([ann, ben])


def test_auc_of_two_relevant_items_by_hand() -> None:
    """Of three others ann's beat 3 and 2: 5 pairs of 6. Ben's beat one each: 2 of 6."""
    scores = np.array([[5, 4, 3, 2, 1]] * 2)
    relevant = np.array([[1, 0, 1, 0, 0], [0, 0, 1, 1, 0]], bool)
    found = metrics.auc(ranked(scores, relevant))
    assert found[:, 0].tolist() == pytest.approx([5 / 6, 2 / 6])


def test_two_that_tie_with_one_other_by_hand() -> None:
    """Three items tie for ranks 1 to 3, and two of them are relevant.

    The other one is first in one case of three: MRR is (1 + 1 + 1/2) / 3, and the first place is
    won in two of three. Average precision is 1, (1 + 2/3) / 2 or (1/2 + 2/3) / 2.
    """
    items = ranked(np.array([[1, 1, 1, 0]]), np.array([[1, 1, 0, 0]], bool))
    assert of("hr", items, 1) == pytest.approx([2 / 3])
    assert of("mrr", items, 3) == pytest.approx([5 / 6])
    assert of("recall", items, 2) == pytest.approx([2 / 3])
    assert of("map", items, 3) == pytest.approx([(1 + 5 / 6 + 7 / 12) / 3])
    assert of("hr", items.ties_won(), 1) == [1]
    assert of("hr", items.ties_lost(), 1) == [0]
    assert of("recall", items.ties_lost(), 2) == [1 / 2]


def plain(name: str, flags: tuple[bool, ...], k: int) -> float:
    """Return a metric of a list without ties, as its definition says."""
    ranks = [rank for rank, flag in enumerate(flags, 1) if flag]
    hits, n = [rank for rank in ranks if rank <= k], len(ranks)
    return {
        "hr": float(bool(hits)),
        "mrr": 1 / hits[0] if hits else 0.0,
        "recall": len(hits) / n,
        "precision": len(hits) / k,
        "ndcg": sum(1 / math.log2(rank + 1) for rank in hits)
        / sum(1 / math.log2(rank + 1) for rank in range(1, min(n, k) + 1)),
        "map": sum(nth / rank for nth, rank in enumerate(hits, 1)) / min(n, k),
    }[name]


@st.composite
def lists(draw: st.DrawFn, n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a list of n scores, and which items are relevant: some, but not all."""
    scores = draw(arrays.arrays(np.int64, n, elements=st.integers(0, levels - 1)))
    relevant = draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n - 1))
    return scores, np.isin(np.arange(n), list(relevant))


@pytest.mark.parametrize("name", METRICS)
@given(lists(6, 3), st.integers(1, 7))
def test_a_tie_is_the_mean_over_all_orders(name: str, drawn, k: int) -> None:
    """All 720 orders that keep higher scores first are looked at one by one."""
    scores, relevant = drawn
    orders = [
        tuple(relevant[list(order)])
        for order in itertools.permutations(range(6))
        if (np.diff(scores[list(order)]) <= 0).all()
    ]
    expected = np.mean([plain(name, flags, k) for flags in orders])
    assert of(name, ranked(scores[None], relevant[None]), k) == pytest.approx([expected])


@given(lists(15, 8), st.integers(1, 20))
def test_ndcg_and_auc_are_those_of_scikit_learn(drawn, k: int) -> None:
    """scikit-learn averages NDCG over ties, too, and counts one as half in AUC."""
    scores, relevant = drawn
    items = ranked(scores[None], relevant[None])
    gains = relevant[None].astype(float)
    expected = sklearn.metrics.ndcg_score(gains, scores[None].astype(float), k=k)
    assert of("ndcg", items, k) == pytest.approx([expected])
    auc = sklearn.metrics.roc_auc_score(relevant, scores)
    assert metrics.auc(items)[0, 0] == pytest.approx(auc)


@given(lists(15, 2), st.permutations(range(15)), st.integers(1, 15))
def test_without_ties_the_rest_is_that_of_scikit_learn(drawn, order: list[int], k: int) -> None:
    """Its average precision knows no k: it is given the first k, with the hits among them."""
    scores, relevant = np.array(order), drawn[1]
    items = ranked(scores[None], relevant[None])
    first = scores >= np.sort(scores)[-k]
    hits = (relevant & first).sum()
    assert of("precision", items, k) == pytest.approx(
        [sklearn.metrics.precision_score(relevant, first, zero_division=0)]
    )
    assert of("recall", items, k) == pytest.approx([sklearn.metrics.recall_score(relevant, first)])
    of_first = (
        sklearn.metrics.average_precision_score(relevant[first], scores[first]) if hits else 0
    )
    assert of("map", items, k) == pytest.approx([of_first * hits / min(relevant.sum(), k)])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1), st.integers(1, 50))
def test_of_one_relevant_item_metrics_are_alike(pairs: list[tuple[int, int]], k: int) -> None:
    """Recall is the hit ratio, MAP is MRR, and precision is the hit ratio over k."""
    better, tied = np.array(pairs).T[:, :, None]
    users = np.arange(len(pairs))
    items = RelevantItems.of(users, np.full(users.size, 100), better, tied)
    hits = np.array(of("hr", items, k))
    assert of("recall", items, k) == pytest.approx(hits)
    assert of("precision", items, k) == pytest.approx(hits / k)
    assert of("map", items, k) == pytest.approx(of("mrr", items, k))


def test_models_have_columns_of_their_own() -> None:
    """The same two items are at ranks 1 and 2 by one model, and tie with all by the other."""
    better, tied = np.array([[0, 0], [1, 0]]), np.array([[0, 3], [0, 3]])
    items = RelevantItems.of(np.array([4, 4]), np.array([4, 4]), better, tied)
    assert metrics.recall(items, 2).tolist() == [[1.0, 0.5]]
    assert metrics.average_precision(items, 2)[0, 0] == 1
