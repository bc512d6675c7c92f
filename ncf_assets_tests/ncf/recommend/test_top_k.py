"""The best unseen items of each user are those that a sort of all items gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend import top_k
from ncf_assets.ncf.recommend.top_k import NO_ITEM, TopUnseen

NOBODY = np.array([], np.int32)


def of_table(scores: np.ndarray) -> ranking.BlockScorer:
    """Return the scorer that looks scores [n_users, n_items] up."""
    return lambda users: scores[users].astype(np.float32)


def recommend(scores: np.ndarray, seen: InteractionSet, k: int) -> TopUnseen:
    """Return the k best items of all users of a table of scores."""
    users = np.arange(len(scores), dtype=np.int32)
    top = TopUnseen(users, seen, k)
    ranking.score_all("a table", of_table(scores), users, scores.shape[1], [top])
    return top


def test_the_best_unseen_by_hand() -> None:
    """Item 1 would be first but is seen; 0 and 4 tie, and the smaller number is first."""
    seen = InteractionSet(np.array([0]), np.array([1]), 5)
    top = recommend(np.array([[2.0, 9.0, 3.0, 1.0, 2.0]]), seen, 3)
    assert top.items.tolist() == [[2, 0, 4]]
    assert top.scores.tolist() == [[3.0, 2.0, 2.0]]


def test_a_user_with_few_unseen_items_has_a_shorter_list() -> None:
    """Of 3 items 2 are seen, so 3 of 4 positions have no item.

    An item with the score -inf is not recommended.
    """
    seen = InteractionSet(np.array([0, 0]), np.array([0, 2]), 3)
    top = recommend(np.array([[9.0, 1.0, 9.0], [-np.inf, 5.0, -np.inf]]), seen, 4)
    assert top.items.tolist() == [[1] + [NO_ITEM] * 3] * 2
    assert top.scores.tolist() == [[1.0] + [-np.inf] * 3, [5.0] + [-np.inf] * 3]


tables = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 300)),
    elements=st.integers(-5, 5).map(float),
)


@settings(max_examples=30)  # each is a sweep over many items
@given(tables, st.integers(1, 25), st.randoms())
def test_the_best_are_those_of_a_sort(scores: np.ndarray, k: int, random) -> None:
    """They are sorted by falling score, then by number.

    Scores have many ties, and groups do not divide the items.
    """
    n_users, n_items = scores.shape
    pairs = [(u, i) for u in range(n_users) for i in range(n_items) if random.random() < 0.2]
    seen = InteractionSet(*np.array(pairs, int).reshape(-1, 2).T, n_items)
    top = recommend(scores, seen, k)
    for user in range(n_users):
        unseen = [i for i in range(n_items) if (user, i) not in set(pairs)]
        best = sorted(unseen, key=lambda i: (-scores[user, i], i))[:k]
        assert top.items[user].tolist() == best + [NO_ITEM] * (k - len(best))
        assert top.scores[user, : len(best)].tolist() == scores[user, best].tolist()


def test_few_items_are_sorted() -> None:
    """Of 50,000 different scores, fewer than twice as many as asked for are sorted."""
    scores = np.random.default_rng(1).normal(size=(3, 50_000)).astype(np.float32)
    closely = top_k._may_be_best(scores, 20).sum(axis=1)
    assert (closely >= 20).all()
    assert (closely < 40).all()


def test_the_scores_are_left_as_they_were() -> None:
    """Another consumer of the same block reads the scores of seen items."""
    scores = np.array([[1.0, 2.0, 3.0]], np.float32)
    users = np.array([0], np.int32)
    TopUnseen(users, InteractionSet(users, np.array([2]), 3), 2)(users, scores)
    assert scores.tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize("k", [1, 20])
def test_nobody_is_recommended_nothing(k: int) -> None:
    """Without users the list is empty and has the asked width."""
    assert TopUnseen(NOBODY, InteractionSet(NOBODY, NOBODY, 4), k).items.shape == (0, k)
