"""Fit implicit alternating least squares: a matrix factorization, solved one side at a time.

Hu, Koren and Volinsky 2008, in the form of Rendle et al. 2022, "Revisiting the Performance of iALS
on Item Recommendation Benchmarks". Each iteration solves for the users and then for the items, in
closed form. The model is a baseline, and NeuMF is trained around its factors
(`training.next_item`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.parallel import map_slices
from ncf_assets.ncf.random_streams import rng

MEMORY = 2**21  # chosen: numbers in the largest array of a block of rows, 8 MB
ALIKE = 0.8  # chosen: rows of a block are at least this share of its longest, the rest is padding


@dataclass(frozen=True)
class IalsSettings:
    """The weights of section 3.1, equations 1 to 4, with nu = 1.

    The loss is Σ c · (w·h - 1)² over the interactions + a · Σ (w·h)² over all pairs +
    regularization · Σ (n + a · N) · |w|² over all rows, where n is the row's number of interactions
    and N the number of rows on the other side. `unobserved_ratio` is the weight of all pairs
    together against that of the interactions: a = unobserved_ratio · interactions / pairs. If a
    itself were the same for all sizes, the penalty would outweigh what large and sparse data can
    teach. The weight c of an interaction is 1 without a `half_life`, see `Interactions.weights`.
    """

    factors: int
    iterations: int
    unobserved_ratio: float
    regularization: float
    half_life: float
    seed: int


@dataclass(frozen=True)
class Factors:
    """The fitted model; a pair's score is the dot product of its rows."""

    users: np.ndarray  # float32 [n_users, factors]
    items: np.ndarray  # float32 [n_items, factors]
    # those for which the users were solved last, for `fold_in`; None for factors from a file
    solved_for: np.ndarray | None = None

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = self.users[users] @ self.items.T
        return scores


@dataclass(frozen=True)
class _CsrSide:
    """The interactions seen from one side: the rows to solve for, and the columns of each."""

    n_rows: int
    columns: np.ndarray  # int32 [n], grouped by row
    roots: np.ndarray  # float32 [n], the square roots of the interactions' weights
    starts: np.ndarray  # int64 [n_rows + 1], where each row's columns begin

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns and roots of some rows [b], both [b, k]; padding has the root 0."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        within = np.arange(lengths.max()) < lengths[:, None]
        positions = np.where(within, self.starts[rows][:, None] + np.arange(within.shape[1]), 0)
        return self.columns[positions], np.where(within, self.roots[positions], 0)

    @classmethod
    def of(
        cls, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, n_rows: int
    ) -> "_CsrSide":
        order = np.argsort(rows, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
        return cls(n_rows, columns[order], np.sqrt(weights[order]), starts)


def fit(
    interactions: Interactions,
    settings: IalsSettings,
    on_iteration: Callable[[int, Factors], None] | None = None,
) -> Factors:
    """Fit the factors to the interactions.

    `on_iteration` is called after each iteration, which count from 1, with the factors so far.
    Raise ValueError without interactions.
    """
    interactions.check_not_empty()
    users, items, n_users, n_items = (
        getattr(interactions, name) for name in ("users", "items", "n_users", "n_items")
    )
    weights = interactions.weights(settings.half_life)
    unobserved = unobserved_weight(interactions, settings)
    by_user = _CsrSide.of(users, items, weights, n_users)
    by_item = _CsrSide.of(items, users, weights, n_items)
    generator = rng(settings.seed, "ials item factors")
    # section 4.1 of the paper: a standard deviation that makes scores of about the same size
    item_factors = generator.normal(
        0, 0.1 / np.sqrt(settings.factors), (n_items, settings.factors)
    ).astype(np.float32)
    for iteration in range(1, settings.iterations + 1):
        solved_for = item_factors
        user_factors = _solve(by_user, solved_for, unobserved, settings.regularization)
        item_factors = _solve(by_item, user_factors, unobserved, settings.regularization)
        factors = Factors(user_factors, item_factors, solved_for)
        if on_iteration:
            on_iteration(iteration, factors)
    return factors


def unobserved_weight(interactions: Interactions, settings: IalsSettings) -> float:
    """Return a, the weight of every pair, in a fit to these interactions."""
    n_pairs = interactions.n_users * interactions.n_items
    return settings.unobserved_ratio * interactions.n / n_pairs


def fold_in(
    histories: Interactions, solved_for: np.ndarray, unobserved: float, settings: IalsSettings
) -> np.ndarray:
    """Return the factors of users who came after the fit: float32 [n_users, factors].

    `solved_for` [n_items, factors] and `unobserved` are of the fit, whose own histories get the
    factors that they have in it, but for rounding.
    """
    weights = histories.weights(settings.half_life)
    side = _CsrSide.of(histories.users, histories.items, weights, histories.n_users)
    return _solve(side, solved_for, unobserved, settings.regularization)


def _solve(side: _CsrSide, others: np.ndarray, weight: float, regularization: float) -> np.ndarray:
    """Return the rows that minimize the loss for fixed factors [N, d] of the other side: [n, d].

    A row's normal equations are (a·G + r·I + WᵀCW) x = WᵀC1 with a the `weight`, G the Gram matrix
    of all others, W [k, d] the row's own and C their weights. With G's eigenvectors as basis,
    a·G + r·I is a diagonal D.
    """
    d = others.shape[1]
    eigenvalues, basis = np.linalg.eigh(others.T.astype(np.float64) @ others)
    rotated = (others @ basis).astype(np.float32)
    lengths = np.diff(side.starts)
    ridges = regularization * (lengths + weight * len(others))
    shared = weight * np.maximum(eigenvalues, 0)  # [d]
    solved = np.zeros((side.n_rows, d), np.float32)
    blocks = list(_blocks(lengths, d))

    def solve(part: slice) -> None:
        for rows in blocks[part]:
            columns, roots = side.padded(rows)
            own = rotated[columns] * roots[:, :, None]
            equations = _small_system if columns.shape[1] < d else _large_system
            diagonals = (shared + ridges[rows, None]).astype(np.float32)  # [b, d]
            solved[rows] = equations(own, roots[:, :, None], diagonals)

    map_slices(solve, len(blocks), 1)
    unrotated: np.ndarray = solved @ basis.T.astype(np.float32)
    return unrotated


def _small_system(own: np.ndarray, roots: np.ndarray, diagonals: np.ndarray) -> np.ndarray:
    """Return D⁻¹Wᵀ (I + W D⁻¹ Wᵀ)⁻¹ √c, for rows of fewer than d columns, W being √C times theirs.

    own [b, k, d], roots [b, k, 1], diagonals [b, d] -> [b, d]. It equals (D + WᵀW)⁻¹ Wᵀ√c by the
    push-through identity, with k equations in place of d. Padding beyond a row's columns has the
    root 0, so it is zero in W as well.
    """
    scaled = own / diagonals[:, None, :]
    system = scaled @ own.transpose(0, 2, 1) + np.eye(own.shape[1], dtype=np.float32)
    solution = np.linalg.solve(system, roots)
    product: np.ndarray = scaled.transpose(0, 2, 1) @ solution
    return product[:, :, 0]


def _large_system(own: np.ndarray, roots: np.ndarray, diagonals: np.ndarray) -> np.ndarray:
    """Return (D + WᵀW)⁻¹ Wᵀ√c, for rows of d columns or more, as `_small_system` does."""
    turned = own.transpose(0, 2, 1)
    system = turned @ own + diagonals[:, :, None] * np.eye(own.shape[2], dtype=np.float32)
    solution: np.ndarray = np.linalg.solve(system, turned @ roots)
    return solution[:, :, 0]


def _blocks(lengths: np.ndarray, d: int) -> Iterator[np.ndarray]:
    """Yield rows of about equal length, such that all of a block are solved for at once.

    Rows without columns are left out: their factors are zero.
    """
    order = np.argsort(lengths, kind="stable")
    sorted_lengths = lengths[order]
    end, first = order.size, int(np.searchsorted(sorted_lengths, 1))
    while end > first:
        # the longest rows first; k columns and up to d by d equations for each
        k = int(sorted_lengths[end - 1])
        alike = int(np.searchsorted(sorted_lengths, math.ceil(ALIKE * k)))
        begin = max(first, alike, end - max(1, MEMORY // (max(k, d) * d)))
        yield order[begin:end]
        end = begin
