"""Fit SLIST: a linear model from a user's items to the next one, in closed form.

Choi et al. 2021, "Session-aware Linear Item-Item Models for Session-based Recommendation": the sum
of two ridge regressions, one from items to the others of the same user, in any order, as EASE is,
and one from what a user had before to what came next. Here the second predicts one next item at a
time, as Park et al. 2025 (TALE) advise, and each item from its most similar others alone
(`sparse_ridge`). It shows what the order of events adds for a model that is no network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array, vstack

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import sparse_ridge
from ncf_assets.ncf.models.neighborhoods import (
    ItemKnnSettings,
    Neighborhoods,
    counted,
    most_similar,
)

BEFORE = 8  # chosen: items before the next one; with HALF_LIFE, the ninth would weigh .06
HALF_LIFE = 2.0  # chosen: 1 and 8 change validation NDCG@10 on Beauty by less than .001


@dataclass(frozen=True)
class SlistSettings:
    """The ridge, the share of the second regression, and how many items predict one.

    `order` is 1 less the paper's alpha: 0 for EASE on `neighbors`, 1 for what comes next alone.
    `half_life` weighs the user's items when they are scored from, see `Interactions.weights`.
    """

    regularization: float
    order: float
    half_life: float
    neighbors: int


def fitter(interactions: Interactions) -> Callable[[SlistSettings], Neighborhoods]:
    """Return `fit` for these interactions; another half-life in a row costs no fit."""
    similar = lru_cache(maxsize=1)(
        lambda k: most_similar(interactions, ItemKnnSettings(k, 0, sparse_ridge.SHRINKAGE))[0]
    )

    @lru_cache(maxsize=1)
    def weights(regularization: float, order: float, neighbors: int) -> np.ndarray:
        together, in_order = np.sqrt(np.array([1 - order, order], np.float32))
        of_users = together * counted(interactions)
        known = vstack([of_users, in_order * histories(interactions)]).tocsr()
        predicted = vstack([of_users, in_order * _next(interactions)]).tocsr()
        gram, products = (known.T @ known).T, (known.T @ predicted).T  # both by row, without a copy
        return sparse_ridge.solve(gram, products, similar(neighbors), regularization)

    return lambda settings: Neighborhoods(
        interactions.matrix(settings.half_life),
        similar(settings.neighbors),
        weights(settings.regularization, settings.order, settings.neighbors),
    )


def fit(interactions: Interactions, settings: SlistSettings) -> Neighborhoods:
    """Fit the weights. Raise ValueError without interactions."""
    return fitter(interactions)(settings)


def histories(interactions: Interactions) -> csr_array:
    """Return what each interaction's user had before it: float32 [n, n_items].

    The last of them weighs 1, each one before it less, and of more than BEFORE only the latest are
    there.
    """
    positions = np.arange(interactions.n) - interactions.starts[interactions.users]
    counts = np.minimum(positions, BEFORE)
    starts = np.concatenate([[0], np.cumsum(counts)])
    back = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    items = interactions.items[np.repeat(np.arange(interactions.n), counts) - 1 - back]
    weights = (0.5 ** (back / HALF_LIFE)).astype(np.float32)
    return csr_array((weights, items, starts), shape=(interactions.n, interactions.n_items))


def _next(interactions: Interactions) -> csr_array:
    """Return the item of each interaction: float32 [n, n_items]."""
    cells = np.ones(interactions.n, np.float32), interactions.items, np.arange(interactions.n + 1)
    return csr_array(cells, shape=(interactions.n, interactions.n_items))
