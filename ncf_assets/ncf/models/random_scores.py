"""Score items at random, to show which metrics a model without knowledge reaches.

Each score is a draw of its own, so that scores do not tie.
"""

import numpy as np

from ncf_assets.ncf.evaluation.ranking import BlockScorer
from ncf_assets.ncf.random_streams import counter_hash, stream_key


def block_scorer(n_items: int, seed: int) -> BlockScorer:
    """Return a scorer, float64 [b, n_items] from 0 to 1, of seed, user and item alone."""
    stream, items = stream_key(seed, "random scores"), np.arange(n_items, dtype=np.uint64)

    def scores(users: np.ndarray) -> np.ndarray:
        keys = counter_hash(np.array(stream), users.astype(np.uint64))
        hashes = counter_hash(keys[:, None], items)  # [b, n_items]
        return (hashes >> np.uint64(11)) * 2.0**-53  # as many bits as a float64 holds

    return scores
