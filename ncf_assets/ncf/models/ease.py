"""Fit EASE: a linear model from items to items in closed form, with zeros on its diagonal.

Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data". It holds a dense matrix of items
by items. Where there are too many for that, each item is predicted from its most similar others
alone, which ranks as well (docs/training.md). `model_selection` chooses its settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import sparse_ridge
from ncf_assets.ncf.models.neighborhoods import (
    ItemKnnSettings,
    Neighborhoods,
    counted,
    most_similar,
)


@dataclass(frozen=True)
class EaseSettings:
    """The ridge λ on the squared weights, and how fast a user's items lose their say.

    The larger the ridge, the less rare items are trusted. `half_life` weighs the user's items when
    they are scored from, see `Interactions.weights`; the weights between items are fitted to equal
    ones (weighted there as well, they did far worse: docs/training.md). With `neighbors`, an item
    has weights of so many others alone; 0 stands for all.
    """

    regularization: float
    half_life: float
    neighbors: int = 0


@dataclass(frozen=True)
class Ease:
    """The fitted model; a user's scores are the sum of the weights' rows of the user's items."""

    history: csr_array  # float32 [n_users, n_items]
    weights: np.ndarray  # float32 [n_items, n_items], zero on the diagonal

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What is fitted, by name."""
        return {"weights": self.weights}

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = self.history[users] @ self.weights
        return scores

    def weights_of(self, items: np.ndarray) -> np.ndarray:
        """Return what items add to the scores of all: items int32 [b] -> float32 [b, n_items]."""
        weights: np.ndarray = self.weights[items]
        return weights


def fitter(interactions: Interactions) -> Callable[[EaseSettings], Ease | Neighborhoods]:
    """Return `fit` for these interactions; settings of one ridge in a row are fitted once."""
    dense = lru_cache(maxsize=1)(lambda ridge: _weights(interactions, ridge))
    sparse = lru_cache(maxsize=1)(lambda ridge, k: _weights_of_neighbors(interactions, ridge, k))

    def fit(settings: EaseSettings) -> Ease | Neighborhoods:
        history = interactions.matrix(settings.half_life)
        if settings.neighbors:
            return Neighborhoods(history, *sparse(settings.regularization, settings.neighbors))
        return Ease(history, dense(settings.regularization))

    return fit


def fit(interactions: Interactions, settings: EaseSettings) -> Ease | Neighborhoods:
    """Fit the weights. Raise ValueError without interactions."""
    return fitter(interactions)(settings)


def _weights_of_neighbors(
    interactions: Interactions, ridge: float, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k most similar others of each item and their weights, both [n_items, k]."""
    similar, _ = most_similar(interactions, ItemKnnSettings(k, 0, sparse_ridge.SHRINKAGE))
    of_users = counted(interactions)
    gram = (of_users.T @ of_users).T  # by row, without a copy
    return similar, sparse_ridge.solve(gram, gram, similar, ridge)


def _weights(interactions: Interactions, ridge: float) -> np.ndarray:
    """Solve for the weight of item i for item j: float32 [n_items, n_items].

    With P = (XᵀX + λI)⁻¹ it is -P_ij / P_jj (section 3.1, equations 8 and 9).
    """
    interactions.check_not_empty()
    of_users = interactions.matrix()
    gram = (of_users.T @ of_users).toarray(order="F")
    gram[np.diag_indices(interactions.n_items)] += ridge
    inverse = _inverse(gram)
    np.divide(inverse, -np.diag(inverse).copy(), out=inverse)
    np.fill_diagonal(inverse, 0)
    return np.ascontiguousarray(inverse, np.float32)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Invert a positive definite matrix float32 [n, n] in Fortran's order, in place.

    Single precision is enough: a ridge of 50 or more bounds the smallest eigenvalue.
    """
    factor, failed = lapack.spotrf(matrix, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError(
            "EASE's matrix must be positive definite, found that it is not from item"
            f" {failed - 1} on. Raise `regularization`."
        )
    inverse, _ = lapack.spotri(factor, overwrite_c=True)
    for column in range(len(inverse)):  # LAPACK fills the upper triangle alone
        inverse[column + 1 :, column] = inverse[column, column + 1 :]
    return inverse
