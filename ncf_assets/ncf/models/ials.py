"""Fit implicit alternating least squares: a matrix factorization, solved one side at a time.

Hu, Koren and Volinsky 2008, in the form of Rendle et al. 2022, "Revisiting the Performance of iALS
on Item Recommendation Benchmarks". Each iteration solves for the users and then for the items, in
closed form. The model is a baseline, and GMF starts from its factors, as `pretraining` copies them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.random_streams import rng

MEMORY = 2**24  # chosen: numbers in the largest array of a block of rows, 64 MB


@dataclass(frozen=True)
class IalsSettings:
    """The weights of section 3.1, equations 1 to 4, with nu = 1.

    The loss is Σ (w·h - 1)² over the interactions + a · Σ (w·h)² over all pairs + regularization ·
    Σ (n + a · N) · |w|² over all rows, where n is the row's number of interactions and N the number
    of rows on the other side. `unobserved_ratio` is the weight of all pairs together against that
    of the interactions: a = unobserved_ratio · interactions / pairs. If a itself were the same for
    all sizes, the penalty would outweigh what large and sparse data can teach.
    """

    factors: int
    iterations: int
    unobserved_ratio: float
    regularization: float
    seed: int


@dataclass(frozen=True)
class Factors:
    """The fitted model; a pair's score is the dot product of its rows."""

    users: np.ndarray  # float32 [n_users, factors]
    items: np.ndarray  # float32 [n_items, factors]

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = self.users[users] @ self.items.T
        return scores


@dataclass(frozen=True)
class _CsrSide:
    """The interactions seen from one side: the rows to solve for, and the columns of each."""

    n_rows: int
    columns: np.ndarray  # int32 [n], grouped by row
    starts: np.ndarray  # int64 [n_rows + 1], where each row's columns begin

    @classmethod
    def of(cls, rows: np.ndarray, columns: np.ndarray, n_rows: int) -> "_CsrSide":
        order = np.argsort(rows, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
        return cls(n_rows, columns[order].astype(np.int32), starts)


def fit(
    users: np.ndarray,
    items: np.ndarray,
    n_users: int,
    n_items: int,
    settings: IalsSettings,
    on_iteration: Callable[[int, Factors], None] | None = None,
) -> Factors:
    """Fit the factors to the distinct pairs (users integers [n], items integers [n]).

    `on_iteration` is called after each iteration, which count from 1, with the factors so far.
    Raise ValueError without pairs.
    """
    if not users.size:
        raise ValueError("fit() needs at least one (user, item) pair, got none. Give at least one.")
    weight = settings.unobserved_ratio * users.size / (n_users * n_items)
    by_user, by_item = _CsrSide.of(users, items, n_users), _CsrSide.of(items, users, n_items)
    generator = rng(settings.seed, "ials item factors")
    # section 4.1 of the paper: a standard deviation that makes scores of about the same size
    item_factors = generator.normal(
        0, 0.1 / np.sqrt(settings.factors), (n_items, settings.factors)
    ).astype(np.float32)
    for iteration in range(1, settings.iterations + 1):
        user_factors = _solve(by_user, item_factors, weight, settings.regularization)
        item_factors = _solve(by_item, user_factors, weight, settings.regularization)
        factors = Factors(user_factors, item_factors)
        if on_iteration:
            on_iteration(iteration, factors)
    return factors


def _solve(side: _CsrSide, others: np.ndarray, weight: float, regularization: float) -> np.ndarray:
    """Return the rows that minimize the loss for fixed factors [N, d] of the other side: [n, d].

    A row's normal equations are (a·G + r·I + WᵀW) x = Wᵀ1 with a the `weight`, G the Gram matrix
    of all others and W [k, d] the row's own. With G's eigenvectors as basis, a·G + r·I is a
    diagonal D.
    """
    d = others.shape[1]
    eigenvalues, basis = np.linalg.eigh(others.T.astype(np.float64) @ others)
    # a last row of zeros, for the padding beyond a row's own columns
    rotated = tf.constant(np.vstack([others @ basis, np.zeros(d)]), tf.float32)
    lengths = np.diff(side.starts)
    ridges = regularization * (lengths + weight * len(others))
    diagonals = weight * np.maximum(eigenvalues, 0) + ridges[:, None]  # [n, d]
    solved = np.zeros((side.n_rows, d), np.float32)
    for rows, columns in _blocks(side, d, len(others)):
        diagonal = tf.constant(diagonals[rows], tf.float32)
        equations = _small_system if columns.shape[1] < d else _large_system
        solved[rows] = equations(tf.gather(rotated, columns), diagonal).numpy()
    unrotated: np.ndarray = solved @ basis.T.astype(np.float32)
    return unrotated


def _small_system(own: tf.Tensor, diagonal: tf.Tensor) -> tf.Tensor:
    """Return D⁻¹Wᵀ (I + W D⁻¹ Wᵀ)⁻¹ 1, for rows of fewer than d columns: own [b, k, d] -> [b, d].

    It equals (D + WᵀW)⁻¹ Wᵀ1 by the push-through identity, with k equations in place of d. The
    padding beyond a row's columns is zero in W, so the solution there is multiplied by 0.
    """
    scaled = own / diagonal[:, None, :]
    system = tf.linalg.matmul(scaled, own, transpose_b=True) + tf.eye(own.shape[1])
    solution = tf.linalg.cholesky_solve(tf.linalg.cholesky(system), tf.ones_like(own[:, :, :1]))
    return tf.linalg.matmul(scaled, solution, transpose_a=True)[:, :, 0]


def _large_system(own: tf.Tensor, diagonal: tf.Tensor) -> tf.Tensor:
    """Return (D + WᵀW)⁻¹ Wᵀ1, for rows of d columns or more: own [b, k, d] -> [b, d]."""
    system = tf.linalg.matmul(own, own, transpose_a=True) + tf.linalg.diag(diagonal)
    right = tf.reduce_sum(own, axis=1)[:, :, None]
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(system), right)[:, :, 0]


def _blocks(side: _CsrSide, d: int, padding: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows [b] of about equal length with their columns [b, k], filled up with `padding`.

    Rows without columns are left out: their factors are zero.
    """
    lengths = np.diff(side.starts)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    while order.size:
        # the longest rows first; k columns and up to d by d equations for each
        k = int(lengths[order[-1]])
        rows = order[-max(1, MEMORY // (max(k, d) * d)) :]
        order = order[: -rows.size]
        positions = side.starts[rows][:, None] + np.arange(k)
        within = np.arange(k) < lengths[rows][:, None]
        yield rows, np.where(within, side.columns[np.where(within, positions, 0)], padding)
