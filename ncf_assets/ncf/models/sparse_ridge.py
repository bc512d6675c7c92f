"""Solve ridge regressions from items to items, each from a few neighbors instead of all items.

So memory grows with the neighbors and not with the square of the items, and time with the number of
items and the third power of the neighbors. Ning and Karypis 2011, "SLIM: Sparse Linear Methods for
Top-N Recommender Systems" (section 4.3, fsSLIM), choose the items of each regression so; a sparse
approximate inverse on a given pattern is computed column by column in the same way.
"""

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from ncf_assets.ncf.parallel import map_slices
from ncf_assets.ncf.recommend.top_k import NO_ITEM

SHRINKAGE = 10.0  # chosen: neighbors by the plain cosine, or by common users, did no better
SLICE = 64  # chosen: items that a thread solves for before it takes the next ones


def solve(gram: csr_array, products: csr_array, neighbors: np.ndarray, ridge: float) -> np.ndarray:
    """Return the weight of each neighbor of each item: float32 [n_items, k], 0 for NO_ITEM.

    Of item j with the neighbors S they minimize |y_j - X_S w|² + ridge |w|². `gram` is XᵀX and row
    j of `products` is y_jᵀX, both float32 [n_items, n_items]; `neighbors` is int32 [n_items, k].
    Raise LinAlgError where a ridge is too small.
    """
    weights = np.zeros(neighbors.shape, np.float32)

    def work(part: slice) -> None:
        place = np.full(len(neighbors), -1, np.int32)  # of an item among the neighbors
        for item in range(part.start, part.stop):
            own = neighbors[item][neighbors[item] != NO_ITEM]
            if own.size:
                place[own] = np.arange(own.size)
                left = _dense(gram, own, place, own.size)
                left[np.diag_indices(own.size)] += np.float32(ridge)
                right = _dense(products, np.array([item]), place, own.size)
                weights[item, : own.size] = _solve(left, right[0], item)
                place[own] = -1

    map_slices(work, len(neighbors), SLICE)
    return weights


def _dense(matrix: csr_array, rows: np.ndarray, place: np.ndarray, width: int) -> np.ndarray:
    """Return rows of a matrix at the columns that have a place: float32 [rows, width]."""
    starts, ends = matrix.indptr[rows], matrix.indptr[rows + 1]
    cells = [matrix.indices[start:end] for start, end in zip(starts, ends, strict=True)]
    columns = place[np.concatenate(cells)]
    kept = np.flatnonzero(columns >= 0)  # a few of many, so what follows is cheap
    before = np.concatenate([[0], np.cumsum(ends - starts)])
    row = np.searchsorted(before, kept, "right") - 1
    dense = np.zeros((rows.size, width), np.float32)
    dense[row, columns[kept]] = matrix.data[starts[row] + kept - before[row]]
    return dense


def _solve(left: np.ndarray, right: np.ndarray, item: int) -> np.ndarray:
    """Solve a positive definite system float32 [m, m]."""
    _, solved, failed = lapack.sposv(left, right[:, None])
    if failed:
        raise np.linalg.LinAlgError(
            f"The matrix of item {item}'s neighbors must be positive definite, found that it is not"
            f" from the neighbor {failed - 1} on. Raise `regularization`."
        )
    found: np.ndarray = solved[:, 0]
    return found
