"""The k-core of interactions: what is left if rare users and items go, again and again.

Which filters there are besides, and their configuration, is in `ncf_assets.assets.prepare`.
"""

import numpy as np


def k_core(
    users: np.ndarray, items: np.ndarray, min_per_user: int, min_per_item: int
) -> np.ndarray:
    """Return which interactions [n] are kept, as booleans.

    users, items: integers [n] from 0, each pair once

    Of the kept ones every user has `min_per_user` and every item `min_per_item` or more, and no
    larger set has this property (Seidman 1983, for the two sides of a bipartite graph).
    """
    kept = np.ones(len(users), bool)  # [n]
    while True:
        per_user = np.bincount(users[kept], minlength=users.max(initial=-1) + 1)
        per_item = np.bincount(items[kept], minlength=items.max(initial=-1) + 1)
        rest = kept & (per_user[users] >= min_per_user) & (per_item[items] >= min_per_item)
        if rest.sum() == kept.sum():
            return kept
        kept = rest
