"""Fit EASE: a linear model from items to items in closed form, with zeros on its diagonal.

Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data". It holds a dense matrix of items
by items, so it suits catalogues of limited size. `model_selection` chooses its settings.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from ncf_assets.ncf.models.interaction_matrix import interaction_matrix

# a fit takes a float64 and a float32 matrix, and the best fit so far stays in float32
BYTES_PER_CELL = 8 + 4 + 4


@dataclass(frozen=True)
class EaseSettings:
    """The ridge λ on the squared weights: the larger, the less rare items are trusted."""

    regularization: float


@dataclass(frozen=True)
class Ease:
    """The fitted model; a user's scores are the sum of the weights' rows of the user's items."""

    interaction_matrix: csr_array  # float32 [n_users, n_items]
    weights: np.ndarray  # float32 [n_items, n_items], zero on the diagonal

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = self.interaction_matrix[users] @ self.weights
        return scores


def refusal(n_items: int, max_items: int) -> str | None:
    """Return why a model of so many items is not fitted; None if it is."""
    if n_items <= max_items:
        return None
    gigabytes = BYTES_PER_CELL * n_items**2 / 1e9
    return (
        f"EASE is fitted to {max_items:,} items at most, found {n_items:,}, for which it would take"
        f" {gigabytes:.1f} GB ({BYTES_PER_CELL} bytes × items²); raise `max_items` of ease_model"  # noqa: RUF001
        " where there is as much memory"
    )


def fit(
    users: np.ndarray, items: np.ndarray, n_users: int, n_items: int, settings: EaseSettings
) -> Ease:
    """Fit the weights to the distinct pairs (users, items, integers [n]).

    With P = (XᵀX + λI)⁻¹ the weight of item i for item j is -P_ij / P_jj (section 3.1, equations 8
    and 9). Raise ValueError without pairs.
    """
    of_users = interaction_matrix(users, items, n_users, n_items)
    gram = (of_users.T @ of_users).toarray(order="F").astype(np.float64, order="F", copy=False)
    gram[np.diag_indices(n_items)] += settings.regularization
    inverse = _inverse(gram)
    np.divide(inverse, -np.diag(inverse).copy(), out=inverse)
    np.fill_diagonal(inverse, 0)
    return Ease(of_users, np.ascontiguousarray(inverse, np.float32))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Invert a positive definite matrix [n, n] in Fortran's order, in place."""
    factor, failed = lapack.dpotrf(matrix, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError(
            "EASE's matrix must be positive definite, found that it is not from item"
            f" {failed - 1} on. Raise `regularization`."
        )
    inverse, _ = lapack.dpotri(factor, overwrite_c=True)
    for column in range(len(inverse)):  # LAPACK fills the upper triangle alone
        inverse[column + 1 :, column] = inverse[column, column + 1 :]
    return inverse
