"""Build the sparse matrix of train interactions.

The item-to-item models `ease` and `itemknn` are fitted to it and score from it.
"""

import numpy as np
from scipy.sparse import csr_array


def interaction_matrix(
    users: np.ndarray, items: np.ndarray, n_users: int, n_items: int
) -> csr_array:
    """Return 1 for each of the distinct pairs: float32 [n_users, n_items].

    `users` and `items` are integers [n]. Raise ValueError without pairs.
    """
    if not users.size:
        raise ValueError("fit() needs at least one (user, item) pair, got none. Give at least one.")
    ones = np.ones(users.size, np.float32)
    return csr_array((ones, (users, items)), shape=(n_users, n_items))
