"""Find the items that an item speaks for most in a linear model from items to items."""

from collections.abc import Callable

import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend.top_k import TopUnseen


def largest(weights: Callable[[np.ndarray], np.ndarray], n_items: int, k: int) -> TopUnseen:
    """Return the k largest weights of each item for others, fewer where fewer are positive.

    `weights` gives those of some items for all: items int32 [b] -> float32 [b, n_items].
    """
    items = np.arange(n_items, dtype=np.int32)
    top = TopUnseen(items, InteractionSet(items, items, n_items), k)

    def positive(some: np.ndarray) -> np.ndarray:
        found = weights(some)
        return np.where(found > 0, found, np.float32(-np.inf))

    ranking.score_all("the weights of items", positive, items, n_items, [top])
    return top
