"""The factorization solves the equations of its paper, for short and for long rows alike."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models.ials import Factors, IalsSettings, fit, last_iteration

# 51 interactions of 12 · 9 pairs: a weight of 0.3 for each pair
RATIO = 0.3 * 12 * 9 / 51
SETTINGS = IalsSettings(
    factors=3, iterations=4, unobserved_ratio=RATIO, regularization=0.05, half_life=0, seed=1
)


def known(n_users: int = 12, n_items: int = 9) -> Interactions:
    """Draw distinct pairs: users have 1 to 9 items, so fewer and more than the 3 factors."""
    generator = np.random.default_rng(0)
    rows = [generator.choice(n_items, 1 + u % 9, replace=False) for u in range(n_users)]
    users = np.repeat(np.arange(n_users), [r.size for r in rows])
    return Interactions.of(users, np.concatenate(rows), n_users, n_items)


@pytest.mark.parametrize("half_life", [0, 0.5, 3])
def test_factors_solve_their_weighted_normal_equations(half_life: float) -> None:
    """In plain numpy, an item has (Σ c w wᵀ + a · Σ all w wᵀ + r (n + a N) I) h = Σ c w.

    Users are solved for in the same way, with the items of the iteration before.
    """
    data, heard = known(), []
    settings = replace(SETTINGS, half_life=half_life)
    fit(data, settings, lambda _, factors: heard.append(factors))
    c = data.matrix(half_life).toarray()
    assert (abs(c - 1) > 0.1)[c > 0].any() == bool(half_life)
    before, last = heard[-2:]
    for solved, others, weights in (
        (last.users, before.items, c),
        (last.items, last.users, c.T),
    ):
        np.testing.assert_allclose(solved, solution(weights, others), atol=1e-4)


def solution(weights: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Solve the rows' equations one by one: weights [n, N], others [N, d] -> [n, d]."""
    others = others.astype(np.float64)
    rows = []
    for c in weights.astype(np.float64):
        ridge = 0.05 * ((c > 0).sum() + 0.3 * len(others))
        left = (others.T * c) @ others + 0.3 * others.T @ others + ridge * np.eye(others.shape[1])
        rows.append(np.linalg.solve(left, others.T @ c))
    return np.array(rows)


def test_one_user_and_one_item_by_hand() -> None:
    """(w² + a·w² + r (1 + a)) h = w, so with a = 0.5, r = 0.1: h = w / (1.5 w² + 0.15)."""
    one = np.array([0])
    factors = fit(Interactions.of(one, one, 1, 1), IalsSettings(1, 20, 0.5, 0.1, 0, 1))
    w, h = factors.users[0, 0], factors.items[0, 0]
    assert h == pytest.approx(w / (1.5 * w**2 + 0.15), rel=1e-4)


def test_a_recent_item_scores_nearer_to_1() -> None:
    """One user has items 0 to 3 in order; with equal weights the four would score alike."""
    data = Interactions.of(np.zeros(4, int), np.arange(4), 1, 4)
    settings = IalsSettings(2, 20, unobserved_ratio=1, regularization=0.05, half_life=1, seed=1)
    even, recent = (
        fit(data, replace(settings, half_life=half_life)).scores(np.array([0]))[0]
        for half_life in (0, 1)
    )
    assert np.ptp(even) < 0.01
    assert (np.diff(recent) > 0.01).all()


def test_sparse_data_keep_their_factors() -> None:
    """500 users of two kinds have 3 of 20 items of their kind; nobody has the other 960 items.

    Pairs of a kind score high at the default ratio. With a weight of 0.3 for each of the 500,000
    pairs, a ratio of 100, all factors would vanish: the loss is lowest at 0.
    """
    generator = np.random.default_rng(1)
    users = np.repeat(np.arange(500), 3)
    items = users % 2 * 500 + np.concatenate(
        [generator.choice(20, 3, replace=False) for _ in range(500)]
    )
    settings = IalsSettings(8, 8, unobserved_ratio=7, regularization=0.06, half_life=0, seed=1)
    factors = fit(Interactions.of(users, items, 500, 1_000), settings)
    scores = factors.users @ factors.items.T
    assert np.concatenate([scores[::2, :20], scores[1::2, 500:520]]).mean() > 0.5
    assert abs(np.concatenate([scores[1::2, :20], scores[::2, 500:520]])).mean() < 0.01


@pytest.mark.parametrize("half_life", [0, 2])
def test_each_iteration_lowers_the_loss(half_life: float) -> None:
    """The loss is that of IalsSettings, over all pairs."""
    data = known()
    weights = data.matrix(half_life).toarray()
    seen = weights > 0
    losses: list[float] = []

    def loss(_: int, factors: Factors) -> None:
        scores = factors.users @ factors.items.T
        fit_term = (weights * (scores - 1) ** 2).sum() + 0.3 * (scores**2).sum()
        of_users = (seen.sum(1) + 0.3 * 9) @ (factors.users**2).sum(1)
        of_items = (seen.sum(0) + 0.3 * 12) @ (factors.items**2).sum(1)
        losses.append(fit_term + 0.05 * (of_users + of_items))

    fit(data, replace(SETTINGS, half_life=half_life), loss)
    assert len(losses) == 4
    assert all(b <= a + 1e-6 for a, b in pairwise(losses))


def test_equal_seeds_give_equal_factors() -> None:
    """They are equal to the bit; another seed gives other factors."""
    one, two, other = (fit(known(), replace(SETTINGS, seed=seed)) for seed in (1, 1, 2))
    assert (one.users == two.users).all()
    assert (one.items == two.items).all()
    assert (one.items != other.items).any()


def test_the_last_iteration_goes_on_from_the_factors_of_others() -> None:
    """From the item factors of three iterations it is the fourth."""
    three = fit(known(), replace(SETTINGS, iterations=3))
    found, four = last_iteration(known(), SETTINGS, three.items), fit(known(), SETTINGS)
    assert (found.users == four.users).all()
    assert (found.items == four.items).all()
    assert found.solved_for is three.items


def test_rows_without_interactions_have_no_factors() -> None:
    """User 1 and item 1 are in no pair, so their equations have a zero right side."""
    factors = fit(Interactions.of(np.array([0, 2]), np.array([0, 2]), 3, 3), SETTINGS)
    assert not factors.users[1].any()
    assert not factors.items[1].any()


def test_a_factorization_of_nothing_is_refused() -> None:
    """There is nothing to learn from."""
    none = np.empty(0, np.int32)
    with pytest.raises(ValueError, match=r"one interaction, got none\. Give at least one\."):
        fit(Interactions.of(none, none, 3, 3), SETTINGS)
