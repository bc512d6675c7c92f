"""Compute what the rank of one relevant item gains: a hit, the DCG, the reciprocal rank, and AUC.

Ties count by expectation: among items of equal score, the relevant item has each rank with equal
chance. `ranking` counts the ranks, and `metrics` makes of these gains the metrics of users, who may
have several relevant items.
"""

import numpy as np


def expected_hits(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Return the chance that the relevant item is among the first k: float64 [n], 0 to 1.

    Its rank is one of n_better + 1 … n_better + n_tied + 1 (both integers [n]).
    """
    return expected_gain(hit_gains(k), n_better, n_tied)


def expected_dcg(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Return the expected discounted cumulative gain at k: float64 [n], 0 to 1."""
    return expected_gain(ndcg_gains(k), n_better, n_tied)


def expected_reciprocal_rank(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Return the expected reciprocal of the rank, 0 beyond k: float64 [n].

    Its mean over users is MRR@k.
    """
    return expected_gain(reciprocal_gains(k), n_better, n_tied)


def share_beaten(n_better: np.ndarray, n_tied: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
    """Return the share of other candidates that the relevant item beats: float64 [n].

    A tie counts half. The share is the area under the ROC curve (Rendle et al. 2009, section
    4.1.1). Each list has 2 candidates or more.
    """
    others = n_candidates - 1
    share: np.ndarray = (others - n_better - n_tied / 2) / others
    return share


def hit_gains(k: int) -> np.ndarray:
    """Return the gain 1 for each of the ranks 1 … k: float64 [k]."""
    return np.ones(k)


def ndcg_gains(k: int) -> np.ndarray:
    """Return the gain 1 / log2(r + 1) of each rank r (Järvelin and Kekäläinen 2002): float64 [k].

    One relevant item can gain 1 at most, so there is nothing to normalize by.
    """
    gains: np.ndarray = 1 / np.log2(np.arange(k) + 2)
    return gains


def reciprocal_gains(k: int) -> np.ndarray:
    """Return the gain 1 / r of each rank r (Voorhees 1999): float64 [k]."""
    gains: np.ndarray = 1 / (np.arange(k) + 1)
    return gains


def expected_gain(gains: np.ndarray, n_better: np.ndarray, n_tied: np.ndarray) -> np.ndarray:
    """Return the mean gain over the ranks that ties leave open: float64, shaped as `n_better`.

    `gains` [k] are those of the ranks 1 … k; later ranks gain nothing.
    """
    total = np.concatenate([[0.0], np.cumsum(gains)])  # of the first 0 … k ranks
    first, last = (np.minimum(n, gains.size) for n in (n_better, n_better + n_tied + 1))
    expected: np.ndarray = (total[last] - total[first]) / (n_tied + 1)
    return expected
