"""Neighborhoods, EASE and Blend equal their formulas, written out on small matrices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.evaluation.ranking import BlockScorer
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ease, neighborhoods, slist, sparse_ridge
from ncf_assets.ncf.models.blend import Blend, BlendSettings
from ncf_assets.ncf.models.neighborhoods import (
    Bm25Settings,
    ItemKnnSettings,
    Neighborhoods,
    Rp3BetaSettings,
)
from ncf_assets.ncf.recommend.top_k import NO_ITEM

on_any_machine = settings(deadline=None)  # a first or a busy call takes longer
matrices = arrays.arrays(bool, (7, 6)).filter(lambda seen: bool(seen.any()))
EVERYONE = np.arange(7, dtype=np.int32)
HALF = BlendSettings(0.5)


def drawn_scores(n_items: int, seed: int) -> BlockScorer:
    """Return a scorer of drawn scores, the same in every call."""
    return np.random.default_rng(seed).random((EVERYONE.size, n_items)).__getitem__


def known(seen: np.ndarray) -> Interactions:
    """Return the pairs of a dense matrix [users, items]; of a user the highest item is the last."""
    return Interactions.of(*np.nonzero(seen), *seen.shape)


def fitted_knn(
    seen: np.ndarray, neighbors: int, shrinkage: float, half_life: float = 0
) -> Neighborhoods:
    """Fit ItemKNN to a dense matrix [users, items]."""
    return neighborhoods.fit(known(seen), ItemKnnSettings(neighbors, half_life, shrinkage))


def fitted_ease(seen: np.ndarray, regularization: float, half_life: float = 0) -> ease.Ease:
    """Fit EASE to a dense matrix [users, items]."""
    model = ease.fit(known(seen), ease.EaseSettings(regularization, half_life))
    assert isinstance(model, ease.Ease)
    return model


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
    monkeypatch.setattr(neighborhoods, "LONGEST", 2)
    model = fitted_knn(np.array([[1, 1, 1, 0], [1, 0, 0, 1]]), 3, 0)
    assert model.neighbors[:, 0].tolist() == [3, NO_ITEM, NO_ITEM, 0]
    assert model.scores(np.array([0])).tolist() == [[0, 0, 0, 1]]


def test_similarities_by_bm25_by_hand() -> None:
    """User 0 has items 0, 1 and 2, user 1 items 0 and 3, user 2 item 0; k1 = 1, b = 0.5.

    idf of user 0 is ln(4 / 4) = 0, so the three items that only that user makes alike are not; of
    user 1 it is ln(4 / 3). Items have 3, 1, 1 and 1 users, 1.5 in the mean: item 0 weighs
    2 / (0.5 + 0.5 · 3 / 1.5 + 1) = 0.8, item 3 weighs 2 / (0.5 + 0.5 / 1.5 + 1) = 1.0909.
    """
    seen = np.array([[1, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0]])
    model = neighborhoods.fit(known(seen), Bm25Settings(1, 0, k1=1, b=0.5))
    assert model.neighbors.tolist() == [[3], [NO_ITEM], [NO_ITEM], [0]]
    alike = 0.8 * 1.0909 * np.log(4 / 3) ** 2
    assert model.similarities[:, 0] == pytest.approx([alike, 0, 0, alike], rel=1e-4)


def test_a_random_walk_by_hand() -> None:
    """User 0 has items 0 and 1, user 1 items 1 and 2, user 2 item 2 alone.

    From item 1 a walk goes to either user, and from there to one of two items: to item 0 with
    1/2 · 1/2. Item 0 has one user: divided by √1 it stays. From item 0 the walk comes to item 1
    with 1 · 1/2, which is divided by √2, and from item 2 with 1/2 · 1/2 to item 1.
    """
    seen = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    model = neighborhoods.fit(known(seen), Rp3BetaSettings(2, 0, alpha=1, beta=0.5))
    assert model.neighbors.tolist() == [[1, NO_ITEM], [0, 2], [1, NO_ITEM]]
    root = 2**0.5
    assert model.similarities == pytest.approx(
        np.array([[1 / 4, 0], [1 / 2 / root, 1 / 4 / root], [1 / 4 / root, 0]])
    )


def cosine(x: np.ndarray, settings: ItemKnnSettings) -> np.ndarray:
    """Return |i, j| / (√(|i| |j|) + shrinkage) of all pairs of items."""
    n = x.sum(axis=0)
    scale = np.sqrt(np.outer(n, n)) + settings.shrinkage
    return np.divide(x.T @ x, scale, out=np.zeros((6, 6)), where=scale > 0)


def bm25(x: np.ndarray, settings: Bm25Settings) -> np.ndarray:
    """Return the products of the items' vectors, each cell of which is weighed as in implicit."""
    idf = np.log(6) - np.log1p(x.sum(axis=1))
    norm = 1 - settings.b + settings.b * x.sum(axis=0) / x.sum(axis=0).mean()
    weighed = x * (settings.k1 + 1) / (settings.k1 * norm + x) * idf[:, None]
    return weighed.T @ weighed


def walks(x: np.ndarray, settings: Rp3BetaSettings) -> np.ndarray:
    """Return the power of the chances from item to user to item: [to, from]."""
    n = np.maximum(x.sum(axis=0), 1)
    to_user = x.T / n[:, None]
    to_item = x / np.maximum(x.sum(axis=1), 1)[:, None]
    alpha, beta = settings.alpha, settings.beta
    chances = (to_user**alpha * x.T) @ (to_item**alpha * x)  # where x is 0, 0 ** 0 is not 0
    return (chances / n**beta).T


measures = st.one_of(
    st.tuples(st.just(cosine), st.builds(ItemKnnSettings, shrinkage=st.sampled_from([0, 2.5, 99]))),
    st.tuples(
        st.just(bm25),
        st.builds(Bm25Settings, k1=st.sampled_from([0.5, 3]), b=st.sampled_from([0, 0.3, 0.9])),
    ),
    st.tuples(
        st.just(walks),
        st.builds(
            Rp3BetaSettings, alpha=st.sampled_from([0, 0.4, 1]), beta=st.sampled_from([0, 0.3])
        ),
    ),
)


@on_any_machine
@given(matrices, measures, st.integers(1, 8))
def test_neighborhoods_are_their_formula(seen: np.ndarray, measure: Any, neighbors: int) -> None:
    """A score is the sum of an item's similarities to its nearest others that the user has.

    Which of two others is nearer may be a matter of rounding; how near they are is not.
    """
    formula, chosen = measure
    x = seen.astype(np.float64)
    similar = formula(x, chosen).astype(np.float32)
    model = neighborhoods.fit(known(seen), replace(chosen, neighbors=neighbors, half_life=0))
    expected = np.zeros((7, 6))
    for item in range(6):
        alike = [other for other in range(6) if other != item and x[:, item] @ x[:, other]]
        nearest = sorted(similar[item, alike], reverse=True)[:neighbors]
        kept = [other for other in model.neighbors[item].tolist() if other != NO_ITEM]
        assert len({*kept} & {*alike}) == len(kept)
        pairs = list(zip(-model.similarities[item, : len(kept)], kept, strict=True))
        assert pairs == sorted(pairs)  # equals in the order of their numbers
        left_out = np.zeros(len(nearest) - len(kept))  # others of similarity 0 may be left out
        np.testing.assert_allclose([*similar[item, kept], *left_out], nearest, atol=1e-6)
        expected[:, item] = x[:, kept] @ similar[item, kept]
    np.testing.assert_allclose(model.scores(EVERYONE), expected, atol=1e-5)


@on_any_machine
@given(matrices, st.sampled_from([0.5, 10, 1000]))
def test_ease_is_its_formula(seen: np.ndarray, regularization: float) -> None:
    """P = (XᵀX + λI)⁻¹, B = I - P · diag(1 / diag P), scores X B (Steck 2019, equation 8)."""
    x = seen.astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + regularization * np.eye(6))
    weights = np.eye(6) - inverse / np.diag(inverse)
    model = fitted_ease(seen, regularization)
    np.testing.assert_allclose(model.weights, weights, atol=1e-5)
    np.testing.assert_allclose(model.scores(EVERYONE), x @ weights, atol=5e-5)
    assert not np.diag(model.weights).any()


def test_ease_minimizes_its_loss() -> None:
    """|X - XB|² + λ|B|² is lower than with any other weights off the diagonal."""
    seen = np.random.default_rng(1).random((30, 5)) < 0.4
    model = fitted_ease(seen, 2.0)
    x = seen.astype(np.float64)

    def loss(weights: np.ndarray) -> float:
        return float(((x - x @ weights) ** 2).sum() + 2 * (weights**2).sum())

    least = loss(model.weights)
    for i, j in np.argwhere(~np.eye(5, dtype=bool)):
        for step in (-0.01, 0.01):
            moved = model.weights.copy()
            moved[i, j] += step
            assert loss(moved) > least


@on_any_machine
@given(matrices, st.integers(1, 8), st.sampled_from([0.5, 10, 1000]))
def test_ease_of_neighbors_is_a_ridge_regression_on_each_items_own(
    seen: np.ndarray, k: int, ridge: float
) -> None:
    """Item j is predicted by its neighbors S: (X_SᵀX_S + ridge I) w = X_Sᵀx_j."""
    x = seen.astype(np.float64)
    model = ease.fit(known(seen), ease.EaseSettings(ridge, 0, neighbors=k))
    assert isinstance(model, Neighborhoods)
    alike = fitted_knn(seen, k, sparse_ridge.SHRINKAGE)
    assert (model.neighbors == alike.neighbors).all()
    weights = np.zeros((6, 6))
    for item, others in enumerate(model.neighbors):
        own = others[others != NO_ITEM]
        left = x[:, own].T @ x[:, own] + ridge * np.eye(own.size)
        weights[own, item] = np.linalg.solve(left, x[:, own].T @ x[:, item])
    np.testing.assert_allclose(model.scores(EVERYONE), x @ weights, atol=1e-4)


def test_ease_of_all_others_as_neighbors_is_ease() -> None:
    """Somebody has everything, so each item is a neighbor of each other."""
    seen = np.random.default_rng(3).random((30, 6)) < 0.5
    seen[0] = True
    model = ease.fit(known(seen), ease.EaseSettings(4.0, 2, neighbors=5))
    users = np.arange(30)
    expected = fitted_ease(seen, 4.0, 2).scores(users)
    np.testing.assert_allclose(model.scores(users), expected, atol=1e-5)


def test_what_a_user_had_before_each_item_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """User 0 had items 0, 1, 2, 3 in this order; the item before weighs 1, then 1/2; 2 count."""
    monkeypatch.setattr(slist, "BEFORE", 2)
    monkeypatch.setattr(slist, "HALF_LIFE", 1.0)
    before = slist.histories(known(np.array([[1, 1, 1, 1], [0, 0, 1, 0]])))
    assert before.toarray().tolist() == [
        [0, 0, 0, 0], [1, 0, 0, 0], [1 / 2, 1, 0, 0], [0, 1 / 2, 1, 0], [0, 0, 0, 0]
    ]  # fmt: skip


@on_any_machine
@given(matrices, st.integers(1, 8), st.sampled_from([0, 0.25, 1]))
def test_slist_is_the_sum_of_two_regressions(seen: np.ndarray, k: int, order: float) -> None:
    """Written out by loops: from items to the others of a user, and from those before to the next.

    A user's items are in the order of their numbers.
    """
    x = seen.astype(np.float64)
    gram, products = np.zeros((2, 6, 6))
    for row in x:
        own = np.flatnonzero(row)
        gram += (1 - order) * np.outer(row, row)
        products += (1 - order) * np.outer(row, row)
        for at in range(own.size):
            before = np.zeros(6)
            for back, item in enumerate(own[:at][::-1]):
                before[item] = 0.5 ** (back / slist.HALF_LIFE)
            gram += order * np.outer(before, before)
            products[:, own[at]] += order * before
    model = slist.fit(known(seen), slist.SlistSettings(3.0, order, 0, k))
    weights = np.zeros((6, 6))
    for item, others in enumerate(fitted_knn(seen, k, sparse_ridge.SHRINKAGE).neighbors):
        own = others[others != NO_ITEM]
        left = gram[np.ix_(own, own)] + 3 * np.eye(own.size)
        weights[own, item] = np.linalg.solve(left, products[own, item])
    np.testing.assert_allclose(model.scores(EVERYONE), x @ weights, atol=1e-4)


def test_slist_knows_what_follows_what() -> None:
    """Each user has items 0, 1 and 2 in this order, and then one of 3 and 4: what 2 leads to.

    EASE treats the pair of 2 and 3 as it does 3 and 2.
    """
    seen = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]])
    model = slist.fit(known(seen), slist.SlistSettings(1.0, 1.0, 0, 4))
    assert model.weights_of(np.array([2]))[0, 3] > 0.2
    assert model.weights_of(np.array([3]))[0, 2] == 0


def test_a_ridge_of_nothing_is_refused() -> None:
    """Without a ridge, two items with the same users make the matrix singular."""
    seen = np.ones((3, 2))
    with pytest.raises(
        np.linalg.LinAlgError, match=r"not from item 1 on\. Raise `regularization`\."
    ):
        fitted_ease(seen, 0.0)
    with pytest.raises(np.linalg.LinAlgError, match=r"item 0's .* not from the neighbor 1 on\. Ra"):
        ease.fit(known(np.ones((3, 3))), ease.EaseSettings(0.0, 0, neighbors=2))


def test_recent_items_of_a_user_count_more() -> None:
    """User 0 has items 0 and then 1; with a half-life of 1 they weigh 2/3 and 4/3.

    Item 2 is as similar to both, 1 / √2 in ItemKNN. So its score stays √2, and the two items score
    by each other: item 0 by 4/3, item 1 by 2/3 of what they are without weights.
    """
    seen = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
    user = np.array([0])
    for fit in (
        lambda half_life: fitted_knn(seen, 2, 0.0, half_life),
        lambda half_life: fitted_ease(seen, 1.0, half_life),
    ):
        even, recent = (fit(half_life).scores(user)[0] for half_life in (0, 1))
        assert recent == pytest.approx(even * [4 / 3, 2 / 3, 1], rel=1e-6)
    assert fitted_knn(seen, 2, 0.0, 1).scores(user)[0] == pytest.approx([2 / 3, 1 / 3, 1])


def test_weights_between_items_do_not_follow_from_time() -> None:
    """The half-life is for scoring; models of any half-life share what is fitted."""
    seen = np.random.default_rng(4).random((9, 6)) < 0.5
    assert (fitted_ease(seen, 3.0, 1).weights == fitted_ease(seen, 3.0).weights).all()
    assert (fitted_knn(seen, 3, 1, 1).similarities == fitted_knn(seen, 3, 1).similarities).all()


@pytest.mark.parametrize(
    ("module", "first", "second", "function"),
    [
        (ease, ease.EaseSettings(1.0, 0), ease.EaseSettings(1.0, 2), "_weights"),
        (
            neighborhoods,
            Rp3BetaSettings(3, 0, 0.4, 0.2),
            Rp3BetaSettings(3, 2, 0.4, 0.2),
            "most_similar",
        ),
        (
            slist,
            slist.SlistSettings(3.0, 0.5, 0, 3),
            slist.SlistSettings(3.0, 0.5, 2, 3),
            "histories",
        ),
    ],
)
def test_another_half_life_costs_no_fit(
    module, first, second, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long is computed once for settings in a row that differ in the half-life alone."""
    computed, compute = [], getattr(module, function)
    monkeypatch.setattr(module, function, lambda *args: computed.append(1) or compute(*args))
    seen = np.random.default_rng(4).random((9, 6)) < 0.5
    fit = module.fitter(known(seen))
    shared = [fit(chosen).scores(EVERYONE) for chosen in (first, second)]
    assert len(computed) == 1
    for chosen, scores in zip((first, second), shared, strict=True):
        assert (module.fit(known(seen), chosen).scores(EVERYONE) == scores).all()


def test_a_blend_by_hand() -> None:
    """Scores 0, 2 have the deviation 1, and 6, 0 the deviation 3, so they weigh as 0, 2 and 2, 0.

    A quarter of the first and three quarters of the second are 1.5, 0.5. User 1 has equal scores
    in the second, which stay: 0.25 · (0, 2) + 0.75 · (5, 5).
    """
    of_first = np.array([[0, 2], [0, 2]], np.float32)
    of_second = np.array([[6, 0], [5, 5]], np.float32)
    model = Blend(of_first.__getitem__, of_second.__getitem__, BlendSettings(0.25))
    scores = model.scores(np.array([0, 1]))
    assert scores.tolist() == [[1.5, 0.5], [3.75, 4.25]]
    assert scores.dtype == np.float32


@pytest.mark.parametrize(("weight", "alone"), [(1.0, 0), (0.0, 1)])
def test_a_blend_of_one_model_ranks_as_it_does(weight: float, alone: int) -> None:
    """All the weight is on one of two; scaling changes no order."""
    parts = [drawn_scores(9, seed) for seed in (1, 2)]
    scores = Blend(*parts, BlendSettings(weight)).scores(EVERYONE)
    expected = parts[alone](EVERYONE)
    assert (scores.argsort(axis=1) == expected.argsort(axis=1)).all()


def test_a_blend_does_not_depend_on_the_scale_of_its_models() -> None:
    """One model's scores times 1,000, or less 7, blend alike: 7 is the same for all items."""
    one, two = (drawn_scores(9, seed) for seed in (1, 2))
    settings = BlendSettings(0.4)
    expected = Blend(one, two, settings).scores(EVERYONE)
    scaled = Blend(lambda users: 1000 * one(users), two, settings).scores(EVERYONE)
    moved = Blend(one, lambda users: two(users) - 7, settings).scores(EVERYONE)
    np.testing.assert_allclose(scaled, expected, rtol=1e-5)
    assert (moved.argsort(axis=1) == expected.argsort(axis=1)).all()


def test_a_user_scores_the_same_in_any_block() -> None:
    """The other users of the block, and their order, do not matter."""
    seen = np.random.default_rng(2).random((7, 6)) < 0.5
    models = [
        fitted_knn(seen, 3, 1, 2).scores,
        fitted_ease(seen, 1.0, 2).scores,
        Blend(drawn_scores(6, 1), fitted_ease(seen, 1.0).scores, HALF).scores,
    ]
    for scores in models:
        alone = np.vstack([scores(EVERYONE[[user]]) for user in EVERYONE])
        np.testing.assert_array_equal(alone[::-1], scores(EVERYONE[::-1]))
