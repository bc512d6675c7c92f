"""The train interactions as a sparse matrix, which item-to-item models fit on and score from."""

import numpy as np
from scipy.sparse import csr_array


def histories(users: np.ndarray, items: np.ndarray, n_users: int, n_items: int) -> csr_array:
    """1 for each of the distinct pairs (users, items, integers [n]): float32 [n_users, n_items].

    ValueError without pairs.
    """
    if not users.size:
        raise ValueError("a model takes at least one pair of user and item, found none; give one")
    ones = np.ones(users.size, np.float32)
    return csr_array((ones, (users, items)), shape=(n_users, n_items))
