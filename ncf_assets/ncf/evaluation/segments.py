"""Divide the test users into segments, for which metrics are given apart, and name the segments.

All counts are of interactions in train and validation, from which the evaluated models learn. A
user of whom they have none cannot be told from another: such users are a segment of their own, and
in no other. `summary` computes the metrics.
"""

import numpy as np

ALL = "all"  # who have a history
NEW = "history 0"
COLD = "cold"  # no model has seen a held-out item of the user
# chosen: the lowest count of each bin, about doubling; 5-core users have 4 or more here
HISTORY = (1, 3, 5, 10, 20, 50)
POPULARITY = (1, 5, 20, 100, 500)


def history_segments() -> list[str]:
    """Return the names of the bins of users by the length of their history, shortest first."""
    return _names("history", HISTORY)


def popularity_segments() -> list[str]:
    """Return the names of the bins of held-out items by popularity, the least popular first."""
    return _names("popularity", POPULARITY)


def segments(history: np.ndarray, popularity: np.ndarray) -> dict[str, np.ndarray]:
    """Return the members of each segment, bool [n], by name; segments without users are left out.

    `history` integers [n] are the users' interactions; `popularity` integers [n] those of their
    held-out items, of several the most popular one's.
    """
    known = history > 0
    members = {ALL: known, NEW: ~known, COLD: known & (popularity == 0)}
    members |= _bins(history_segments(), HISTORY, history)
    bins = _bins(popularity_segments(), POPULARITY, popularity)
    members |= {name: known & mask for name, mask in bins.items()}
    return {name: mask for name, mask in members.items() if mask.any()}


def _bins(names: list[str], lowest: tuple[int, ...], counts: np.ndarray) -> dict[str, np.ndarray]:
    bins = np.searchsorted(lowest, counts, side="right") - 1  # -1 for a count below all bins
    return {name: bins == i for i, name in enumerate(names)}


def _names(kind: str, lowest: tuple[int, ...]) -> list[str]:
    """Return names such as `history 1-2`, `history 3-4`, … `history 50+`."""
    ends = [f"-{following - 1}" for following in lowest[1:]] + ["+"]
    return [f"{kind} {low}{end}" for low, end in zip(lowest, ends, strict=True)]
