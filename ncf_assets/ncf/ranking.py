"""Where a scorer places each held-out item among its candidates.

A scorer is any function of users and items, so this knows no network: `neumf.scorer` makes one
of a model. What the places are worth is `metrics`.
"""

from collections.abc import Callable

import numpy as np

# (users int32 [m], items int32 [m]) -> scores float32 [m]; higher is better
Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]


def score(
    scorer: Scorer, users: np.ndarray, candidates: np.ndarray, batch: int = 2**16
) -> np.ndarray:
    """Scores float32 [n, c] of candidates [n, c] for users [n], about `batch` pairs at a time."""
    n, c = candidates.shape
    scores = np.empty((n, c), np.float32)
    rows = max(1, batch // max(1, c))
    for start in range(0, n, rows):
        part = slice(start, start + rows)
        repeated = np.repeat(users[part].astype(np.int32), c)
        items = candidates[part].astype(np.int32).ravel()
        scores[part] = scorer(repeated, items).reshape(-1, c)
    return scores


def count_better_and_tied(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many other candidates beat and how many equal the held-out item: int32 [n], int32 [n].

    `scores` is [n, c], with the held-out item at column 0. Nothing is rounded: scores are equal
    only if all bits are. ValueError for NaN, which neither beats nor equals anything.
    """
    undefined = np.flatnonzero(np.isnan(scores).any(axis=1))
    if undefined.size:
        raise ValueError(
            f"scores must be numbers, found NaN in {undefined.size} of {len(scores)} rows, the"
            f" first is row {undefined[0]}; look for the cause in the model and train it again"
        )
    held_out, others = scores[:, :1], scores[:, 1:]
    better = (others > held_out).sum(axis=1, dtype=np.int32)
    tied = (others == held_out).sum(axis=1, dtype=np.int32)
    return better, tied
