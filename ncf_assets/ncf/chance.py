"""Random scores: what a model that knows nothing reaches. They are drawn, never tied."""

import numpy as np

from ncf_assets.ncf.randomness import counter_hash, stream_key
from ncf_assets.ncf.ranking import BlockScorer


def block_scorer(n_items: int, seed: int) -> BlockScorer:
    """Scores float64 [b, n_items], 0 to 1, that depend on seed, user and item alone."""
    stream, items = stream_key(seed, "random scores"), np.arange(n_items, dtype=np.uint64)

    def scores(users: np.ndarray) -> np.ndarray:
        keys = counter_hash(np.array(stream), users.astype(np.uint64))
        hashes = counter_hash(keys[:, None], items)  # [b, n_items]
        return (hashes >> np.uint64(11)) * 2.0**-53  # as many bits as a float64 holds

    return scores
