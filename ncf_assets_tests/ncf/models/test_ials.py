"""The factorization solves the equations of its paper, for short and for long rows alike."""

from itertools import pairwise

import numpy as np
import pytest

from ncf_assets.ncf.models.ials import Factors, IalsSettings, fit

# 51 interactions of 12 · 9 pairs: a weight of 0.3 for each pair
RATIO = 0.3 * 12 * 9 / 51
SETTINGS = IalsSettings(
    factors=3, iterations=4, unobserved_ratio=RATIO, regularization=0.05, seed=1
)


def pairs(n_users: int = 12, n_items: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Draw distinct pairs: users have 1 to 9 items, so fewer and more than the 3 factors."""
    generator = np.random.default_rng(0)
    rows = [generator.choice(n_items, 1 + u % 9, replace=False) for u in range(n_users)]
    return np.repeat(np.arange(n_users), [r.size for r in rows]), np.concatenate(rows)


def test_item_factors_solve_their_normal_equations() -> None:
    """In plain numpy, each item has (Σ w wᵀ + a · Σ all w wᵀ + r (n + a N) I) h = Σ w."""
    users, items = pairs()
    factors = fit(users, items, 12, 9, SETTINGS)
    gram = factors.users.T @ factors.users
    for item in range(9):
        own = factors.users[users[items == item]]
        ridge = 0.05 * (len(own) + 0.3 * 12)
        left = own.T @ own + 0.3 * gram + ridge * np.eye(3)
        np.testing.assert_allclose(left @ factors.items[item], own.sum(axis=0), atol=1e-4)


def test_one_user_and_one_item_by_hand() -> None:
    """(w² + a·w² + r (1 + a)) h = w, so with a = 0.5, r = 0.1: h = w / (1.5 w² + 0.15)."""
    one = np.array([0])
    factors = fit(one, one, 1, 1, IalsSettings(1, 20, 0.5, 0.1, 1))
    w, h = factors.users[0, 0], factors.items[0, 0]
    assert h == pytest.approx(w / (1.5 * w**2 + 0.15), rel=1e-4)


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
    settings = IalsSettings(8, 8, unobserved_ratio=7, regularization=0.06, seed=1)
    factors = fit(users, items, 500, 1_000, settings)
    scores = factors.users @ factors.items.T
    assert np.concatenate([scores[::2, :20], scores[1::2, 500:520]]).mean() > 0.5
    assert abs(np.concatenate([scores[1::2, :20], scores[::2, 500:520]])).mean() < 0.01


def test_each_iteration_lowers_the_loss() -> None:
    """The loss is that of IalsSettings, over all pairs."""
    users, items = pairs()
    seen = np.zeros((12, 9))
    seen[users, items] = 1
    losses: list[float] = []

    def loss(_: int, factors: Factors) -> None:
        scores = factors.users @ factors.items.T
        fit_term = (seen * (scores - 1) ** 2).sum() + 0.3 * (scores**2).sum()
        of_users = (seen.sum(1) + 0.3 * 9) @ (factors.users**2).sum(1)
        of_items = (seen.sum(0) + 0.3 * 12) @ (factors.items**2).sum(1)
        losses.append(fit_term + 0.05 * (of_users + of_items))

    fit(users, items, 12, 9, SETTINGS, loss)
    assert len(losses) == 4
    assert all(b <= a + 1e-6 for a, b in pairwise(losses))


def test_equal_seeds_give_equal_factors() -> None:
    """They are equal to the bit; another seed gives other factors."""
    one, two = (fit(*pairs(), 12, 9, SETTINGS) for _ in range(2))
    assert (one.users == two.users).all()
    assert (one.items == two.items).all()


def test_rows_without_interactions_have_no_factors() -> None:
    """User 1 and item 1 are in no pair, so their equations have a zero right side."""
    factors = fit(np.array([0, 2]), np.array([0, 2]), 3, 3, SETTINGS)
    assert not factors.users[1].any()
    assert not factors.items[1].any()


def test_a_factorization_of_nothing_is_refused() -> None:
    """There is nothing to learn from."""
    none = np.empty(0, np.int32)
    with pytest.raises(
        ValueError, match=r"one \(user, item\) pair, got none\. Give at least one\."
    ):
        fit(none, none, 3, 3, SETTINGS)
