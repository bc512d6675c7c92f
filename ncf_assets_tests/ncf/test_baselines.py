"""ItemKNN, EASE and random scores equal their formulas, written out on small matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.models import ease, itemknn, random_scores
from ncf_assets.ncf.models.interaction_matrix import interaction_matrix
from ncf_assets.ncf.recommend.top_k import NO_ITEM

on_any_machine = settings(deadline=None)  # a first or a busy call takes longer
matrices = arrays.arrays(bool, (7, 6)).filter(lambda seen: bool(seen.any()))
EVERYONE = np.arange(7, dtype=np.int32)


def fitted_knn(seen: np.ndarray, neighbors: int, shrinkage: float) -> itemknn.ItemKnn:
    """Fit ItemKNN to a dense matrix [users, items]."""
    settings = itemknn.ItemKnnSettings(neighbors, shrinkage)
    return itemknn.fit(*np.nonzero(seen), *seen.shape, settings)


def test_similarities_by_hand() -> None:
    """Item 0 has users 0 and 1, item 1 has 1 and 2, item 2 has 0 alone; shrinkage 1.

    0 and 1 share one user: 1 / (√(2 · 2) + 1) = 1/3. 0 and 2 share one: 1 / (√2 + 1) = 0.4142.
    1 and 2 share none, so they are no neighbors.
    """
    model = fitted_knn(np.array([[1, 0, 1], [1, 1, 0], [0, 1, 0]]), 2, 1)
    assert model.neighbors.tolist() == [[2, 1], [0, NO_ITEM], [0, NO_ITEM]]
    assert model.similarities == pytest.approx(
        np.array([[0.4142, 1 / 3], [1 / 3, 0], [0.4142, 0]]), abs=5e-5
    )
    # user 0 has items 0 and 2: item 0 scores by 2, item 2 by 0, item 1 by 0
    assert model.scores(np.array([0]))[0] == pytest.approx([0.4142, 1 / 3, 0.4142], abs=5e-5)


def test_a_user_who_has_too_much_says_nothing_of_similarity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At most 2 items count, so user 0 of 3 makes none alike.

    That user is still scored as all are.
    """
    monkeypatch.setattr(itemknn, "LONGEST", 2)
    model = fitted_knn(np.array([[1, 1, 1, 0], [1, 0, 0, 1]]), 3, 0)
    assert model.neighbors[:, 0].tolist() == [3, NO_ITEM, NO_ITEM, 0]
    assert model.scores(np.array([0])).tolist() == [[0, 0, 0, 1]]


@on_any_machine
@given(matrices, st.integers(1, 8), st.sampled_from([0, 2.5, 100]))
def test_itemknn_is_its_formula(seen: np.ndarray, neighbors: int, shrinkage: float) -> None:
    """A score is the sum of an item's similarities to its nearest others that the user has."""
    x = seen.astype(np.float64)
    n = x.sum(axis=0)
    expected = np.zeros((7, 6))
    for item in range(6):
        similar = np.zeros(6)
        for other in set(range(6)) - {item}:
            if common := x[:, item] @ x[:, other]:
                similar[other] = np.float32(common / (np.sqrt(n[item] * n[other]) + shrinkage))
        kept = sorted(range(6), key=lambda other: (-round(similar[other], 6), other))[:neighbors]
        expected[:, item] = x[:, kept] @ similar[kept]
    model = fitted_knn(seen, neighbors, shrinkage)
    np.testing.assert_allclose(model.scores(EVERYONE), expected, atol=1e-5)


@on_any_machine
@given(matrices, st.sampled_from([0.5, 10, 1000]))
def test_ease_is_its_formula(seen: np.ndarray, regularization: float) -> None:
    """P = (XᵀX + λI)⁻¹, B = I - P · diag(1 / diag P), scores X B (Steck 2019, equation 8)."""
    x = seen.astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + regularization * np.eye(6))
    weights = np.eye(6) - inverse / np.diag(inverse)
    settings = ease.EaseSettings(regularization)
    model = ease.fit(*np.nonzero(seen), *seen.shape, settings)
    np.testing.assert_allclose(model.weights, weights, atol=1e-6)
    np.testing.assert_allclose(model.scores(EVERYONE), x @ weights, atol=1e-5)
    assert not np.diag(model.weights).any()


def test_ease_minimizes_its_loss() -> None:
    """|X - XB|² + λ|B|² is lower than with any other weights off the diagonal."""
    seen = np.random.default_rng(1).random((30, 5)) < 0.4
    model = ease.fit(*np.nonzero(seen), 30, 5, ease.EaseSettings(2.0))
    x = seen.astype(np.float64)

    def loss(weights: np.ndarray) -> float:
        return float(((x - x @ weights) ** 2).sum() + 2 * (weights**2).sum())

    least = loss(model.weights)
    for i, j in np.argwhere(~np.eye(5, dtype=bool)):
        for step in (-0.01, 0.01):
            moved = model.weights.copy()
            moved[i, j] += step
            assert loss(moved) > least


def test_too_many_items_are_refused_with_the_memory() -> None:
    """The message has 16 bytes × 30,000² = 14.4 GB."""
    assert ease.refusal(20_000, 20_000) is None
    refusal = ease.refusal(30_000, 20_000)
    assert refusal == (
        "EASE is fitted to 20,000 items at most, found 30,000, for which it would take 14.4 GB (16"
        " bytes × items²); raise `max_items` of ease_model where there is as much memory"
    )


def test_a_ridge_of_nothing_is_refused() -> None:
    """Without a ridge, two items with the same users make the matrix singular."""
    seen = np.ones((3, 2))
    with pytest.raises(
        np.linalg.LinAlgError, match=r"not from item 1 on\. Raise `regularization`\."
    ):
        ease.fit(*np.nonzero(seen), 3, 2, ease.EaseSettings(0.0))


def test_a_model_of_nothing_is_refused() -> None:
    """Without pairs there is nothing to learn from."""
    none = np.empty(0, np.int32)
    with pytest.raises(
        ValueError, match=r"one \(user, item\) pair, got none\. Give at least one\."
    ):
        interaction_matrix(none, none, 3, 3)


def test_a_user_scores_the_same_in_any_block() -> None:
    """The other users of the block, and their order, do not matter."""
    seen = np.random.default_rng(2).random((7, 6)) < 0.5
    models = [
        fitted_knn(seen, 3, 1).scores,
        ease.fit(*np.nonzero(seen), 7, 6, ease.EaseSettings(1.0)).scores,
        random_scores.block_scorer(6, 1),
    ]
    for scores in models:
        alone = np.vstack([scores(EVERYONE[[user]]) for user in EVERYONE])
        np.testing.assert_array_equal(alone[::-1], scores(EVERYONE[::-1]))


def test_random_scores_do_not_tie() -> None:
    """Half a million draws of 53 bits are all different, and spread evenly over 0 to 1."""
    scores = random_scores.block_scorer(5000, 2017)(np.arange(100))
    assert np.unique(scores).size == scores.size
    counts, _ = np.histogram(scores, bins=10, range=(0, 1))
    assert counts == pytest.approx(np.full(10, 50_000), abs=5 * np.sqrt(50_000))


def test_random_scores_follow_from_the_seed() -> None:
    """The same seed gives the same scores."""
    one, again, other = (random_scores.block_scorer(9, seed)(EVERYONE) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).all()
