"""Score by lists that somebody else made: a few items of each user, with a score each."""

import numpy as np

from ncf_assets.ncf.evaluation.ranking import BlockScorer


def block_scorer(
    users: np.ndarray, items: np.ndarray, scores: np.ndarray, n_items: int
) -> BlockScorer:
    """Return a block scorer by rows of users, items and scores.

    An item that a user's list lacks is below all that it has, and ties with the others that it
    lacks: it has the score -inf.

    Args:
        users: integers [n], ascending
        items: integers [n], from 0 to n_items - 1; a user has an item once
        scores: finite floats [n], higher is better; they are not rounded
        n_items: number of all items

    """

    def score(block: np.ndarray) -> np.ndarray:
        first, last = (np.searchsorted(users, block, side) for side in ("left", "right"))
        rows = np.repeat(np.arange(block.size), last - first)
        listed = first[rows] + np.arange(rows.size) - np.searchsorted(rows, rows)
        found = np.full((block.size, n_items), -np.inf, scores.dtype)
        found[rows, items[listed]] = scores[listed]
        return found

    return score
