"""Measure what lists of recommendations look like, apart from whether they are right.

The lists are those of `recommend.top_k.TopUnseen`: integers [n, k], the best first, and below 0
where a user has no further item.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def figures(
    lists: np.ndarray,
    popular: np.ndarray,
    histories: np.ndarray,
    n_users: int,
    k: int,
) -> dict[str, float]:
    """Return the figures of the first k items of lists [n, 20], by the names of `diversity`.

    Args:
        lists: what a model shows each of n users
        popular: what popularity shows the same users
        histories: integers [n_items], how many of all users have each item
        n_users: all users
        k: length of the lists

    """
    shown = lists[:, :k]
    found = shown[shown >= 0]
    counts = np.bincount(found, minlength=histories.size)
    return {
        "coverage": float((counts > 0).mean()),
        "gini": gini(counts),
        "novelty": float(_bits(histories, n_users)[found].mean()),
        "popularity": float(histories[found].mean() / n_users),
        "overlap": overlap(shown, popular[:, :k]),
    }


def gini(counts: np.ndarray) -> float:
    """Return the Gini index of counts [n]: 0 if all are equal, near 1 if one has everything.

    Of sorted counts c_1 ≤ … ≤ c_n it is Σ (2 i - n - 1) c_i / (n Σ c_i).
    """
    n = counts.size
    return float((2.0 * np.arange(1, n + 1) - n - 1) @ np.sort(counts) / (n * counts.sum()))


def overlap(lists: np.ndarray, others: np.ndarray) -> float:
    """Return the mean share of a user's items that another list of the same user has too.

    It is the mean over the users who are shown anything.
    """
    in_both = (lists[:, :, None] == others[:, None]) & (lists >= 0)[:, :, None]
    n_shown = (lists >= 0).sum(axis=1)
    shares = in_both.any(axis=2).sum(axis=1)[n_shown > 0] / n_shown[n_shown > 0]
    return float(shares.mean())


def _bits(histories: np.ndarray, n_users: int) -> np.ndarray:
    """Return -log2 of the share of users who have an item; one that none has counts as if one."""
    bits: np.ndarray = -np.log2(np.maximum(histories, 1) / n_users)
    return bits


def rows(
    lists: Mapping[str, np.ndarray],
    popular: str,
    histories: np.ndarray,
    n_users: int,
    ks: Sequence[int],
) -> list[tuple[str, str, int, float]]:
    """Return model, metric, k and value of all models' lists; `popular` names popularity's.

    A model that shows nobody anything has no figures.
    """
    return [
        (model, metric, k, value)
        for model, of_model in sorted(lists.items())
        if (of_model >= 0).any()
        for k in ks
        for metric, value in figures(of_model, lists[popular], histories, n_users, k).items()
    ]
