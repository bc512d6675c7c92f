"""Fit implicit alternating least squares: a matrix factorization, solved one side at a time.

Hu, Koren and Volinsky 2008, in the form of Rendle et al. 2022, "Revisiting the Performance of iALS
on Item Recommendation Benchmarks". Each iteration solves for the users and then for the items, in
closed form. The model is a baseline, and NeuMF is trained around its factors
(`training.next_item`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.parallel import map_slices
from ncf_assets.ncf.random_streams import rng

MEMORY = 2**21  # chosen: numbers in the largest array of a block of rows, 8 MB
GRAM_ROWS = 2**12  # chosen: rows of which the Gram matrix is added up at a time, in the cache
BY_ITSELF = 32  # measured: from so many equations on, a call of LAPACK for each system is quicker


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
    generator = rng(settings.seed, "ials item factors")
    # section 4.1 of the paper: a standard deviation that makes scores of about the same size
    start = generator.normal(
        0, 0.1 / np.sqrt(settings.factors), (interactions.n_items, settings.factors)
    ).astype(np.float32)
    for iteration, factors in enumerate(_iterations(interactions, settings, start), 1):
        if on_iteration:
            on_iteration(iteration, factors)
        if iteration == settings.iterations:
            break
    return factors


def last_iteration(
    interactions: Interactions, settings: IalsSettings, item_factors: np.ndarray
) -> Factors:
    """Solve once for users and items, from item factors [n_items, factors] that others have fitted.

    Raise ValueError without interactions.
    """
    return next(_iterations(interactions, settings, item_factors))


def _iterations(
    interactions: Interactions, settings: IalsSettings, item_factors: np.ndarray
) -> Iterator[Factors]:
    """Yield the factors after one iteration, after two, and so on without end."""
    interactions.check_not_empty()
    users, items = interactions.users, interactions.items
    weights = interactions.weights(settings.half_life)
    unobserved = unobserved_weight(interactions, settings)
    by_user = _CsrSide.of(users, items, weights, interactions.n_users)
    by_item = _CsrSide.of(items, users, weights, interactions.n_items)
    while True:
        solved_for = item_factors
        user_factors = Solver(solved_for, unobserved, settings.regularization).solve(by_user)
        item_factors = Solver(user_factors, unobserved, settings.regularization).solve(by_item)
        yield Factors(user_factors, item_factors, solved_for)


def unobserved_weight(interactions: Interactions, settings: IalsSettings) -> float:
    """Return a, the weight of every pair, in a fit to these interactions."""
    n_pairs = interactions.n_users * interactions.n_items
    return settings.unobserved_ratio * interactions.n / n_pairs


def fold_in(histories: Interactions, solver: "Solver", half_life: float) -> np.ndarray:
    """Return the factors of users who came after the fit: float32 [n_users, factors].

    The solver is one of `Factors.solved_for` and of the fit's weight of every pair. The fit's own
    histories get the factors that they have in it, but for rounding.
    """
    weights = histories.weights(half_life)
    return solver.solve(_CsrSide.of(histories.users, histories.items, weights, histories.n_users))


class Solver:
    """Solves for the rows that minimize the loss for fixed factors [N, d] of the other side.

    A row's normal equations are (a·G + r·I + WᵀCW) x = WᵀC1 with a the `weight`, G the Gram matrix
    of all others, W [k, d] the row's own and C their weights. With G's eigenvectors as basis,
    a·G + r·I is a diagonal D. What all rows share is computed once.
    """

    def __init__(self, others: np.ndarray, weight: float, regularization: float) -> None:
        # more threads wait longer than such products take
        with threadpool_limits(1, user_api="blas"):
            eigenvalues, axes = np.linalg.eigh(_gram(others))
            self._basis = axes.astype(np.float32)
            self._rotated = others @ self._basis
        self._shared = weight * np.maximum(eigenvalues, 0)  # [d]
        self._unobserved = weight * len(others)
        self._regularization = regularization

    def solve(self, side: _CsrSide) -> np.ndarray:
        """Return the rows of a side: float32 [n, d]."""
        d = len(self._basis)
        lengths = np.diff(side.starts)
        solved = np.zeros((side.n_rows, d), np.float32)
        blocks = list(_blocks(lengths, d))

        def solve(part: slice) -> None:
            for rows in blocks[part]:
                k = lengths[rows[0]]
                cells = side.starts[rows][:, None] + np.arange(k)  # [b, k]
                ridge = self._regularization * (k + self._unobserved)
                diagonal = (self._shared + ridge).astype(np.float32)
                # a mode other than the default writes at once to what is returned
                own = np.take(self._rotated, side.columns[cells], axis=0, mode="clip")
                roots = side.roots[cells]
                own *= roots[:, :, None]
                equations = _small_system if k < d else _large_system
                solved[rows] = equations(own, roots, diagonal) @ self._basis.T

        map_slices(solve, len(blocks), 1)
        return solved


def _gram(rows: np.ndarray) -> np.ndarray:
    """Return the Gram matrix: rows float32 [N, d] -> float64 [d, d]."""
    gram = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), GRAM_ROWS):
        wide = rows[start : start + GRAM_ROWS].astype(np.float64)
        gram += wide.T @ wide
    return gram


def _small_system(own: np.ndarray, roots: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Return D⁻¹Wᵀ (I + W D⁻¹ Wᵀ)⁻¹ √c, for rows of fewer than d columns, W being √C times theirs.

    own [b, k, d], roots [b, k], diagonal [d] -> [b, d]. It equals (D + WᵀW)⁻¹ Wᵀ√c by the
    push-through identity, with k equations in place of d.
    """
    scaled = own / diagonal
    system = scaled @ own.transpose(0, 2, 1)
    solution = _solve_each(system, np.ones(own.shape[1], np.float32), roots)
    product: np.ndarray = solution[:, None, :] @ scaled
    return product[:, 0]


def _large_system(own: np.ndarray, roots: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Return (D + WᵀW)⁻¹ Wᵀ√c, for rows of d columns or more, as `_small_system` does."""
    right = roots[:, None, :] @ own
    return _solve_each(own.transpose(0, 2, 1) @ own, diagonal, right[:, 0])


def _solve_each(products: np.ndarray, diagonal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Add to the diagonals, and solve: products [b, m, m], diagonal [m], right [b, m] -> [b, m].

    The systems are positive definite.
    """
    np.einsum("bii->bi", products)[...] += diagonal  # it is a view
    if diagonal.size < BY_ITSELF:
        return np.linalg.solve(products, right[:, :, None])[:, :, 0]
    systems = zip(products, right, strict=True)
    # a symmetric matrix is its own transpose, which is in LAPACK's order without a copy
    return np.stack([_solve_one(left.T, own) for left, own in systems])


def _solve_one(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a positive definite system float32 [m, m], in place of it."""
    _, found, failed = lapack.sposv(left, right, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError(
            "The equations of each user and item must be positive definite, found some that are"
            " not, by rounding. Raise `regularization`."
        )
    solved: np.ndarray = found
    return solved


def _blocks(lengths: np.ndarray, d: int) -> Iterator[np.ndarray]:
    """Yield rows of equal length, the longest first, such that a block is solved for at once.

    Rows without columns are left out: their factors are zero.
    """
    order = np.argsort(-lengths, kind="stable")
    distinct, counts = np.unique(-lengths, return_counts=True)
    for k, rows in zip(-distinct, np.split(order, np.cumsum(counts)), strict=False):
        at_once = max(1, MEMORY // (max(k, d) * d))  # k columns and up to d by d equations for each
        yield from (rows[i : i + at_once] for i in range(0, rows.size if k else 0, at_once))
