"""What a user's rank is worth: hit ratio, NDCG, reciprocal rank, AUC; one relevant item per user.

Ties count by expectation: among equals the relevant item is at each place with equal chance.
Recall at k is the share of relevant items among the first k; as there is one, it is the hit ratio.
Where ranks come from is `ranking`; which of these is given for whom, `figures`.
"""

import numpy as np


def hit_ratio(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Chance that the relevant item is among the first k: float64 [n], 0 to 1.

    It is at one of the places n_better + 1 … n_better + n_tied + 1 (both integers [n]).
    """
    return expected_gain(hit_gains(k), n_better, n_tied)


def ndcg(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Expected normalised discounted cumulative gain among the first k: float64 [n], 0 to 1."""
    return expected_gain(ndcg_gains(k), n_better, n_tied)


def reciprocal_rank(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Expected reciprocal of the rank, 0 beyond k: float64 [n]. Its mean over users is MRR@k."""
    return expected_gain(reciprocal_gains(k), n_better, n_tied)


def auc(n_better: np.ndarray, n_tied: np.ndarray, n_candidates: np.ndarray) -> np.ndarray:
    """Share of the other candidates that the relevant item beats, a tie for half: float64 [n].

    It is the area under the ROC curve (Rendle et al. 2009, section 4.1.1). Lists hold 2 or more.
    """
    others = n_candidates - 1
    share: np.ndarray = (others - n_better - n_tied / 2) / others
    return share


def hit_gains(k: int) -> np.ndarray:
    """1 at each of the places 1 … k: float64 [k]."""
    return np.ones(k)


def ndcg_gains(k: int) -> np.ndarray:
    """1 / log2(r + 1) at place r (Järvelin and Kekäläinen 2002): float64 [k].

    One relevant item can gain 1 at most, so there is nothing to normalise by.
    """
    gains: np.ndarray = 1 / np.log2(np.arange(k) + 2)
    return gains


def reciprocal_gains(k: int) -> np.ndarray:
    """1 / r at place r (Voorhees 1999): float64 [k]."""
    gains: np.ndarray = 1 / (np.arange(k) + 1)
    return gains


def expected_gain(gains: np.ndarray, n_better: np.ndarray, n_tied: np.ndarray) -> np.ndarray:
    """Mean gain over the places that the ties leave open: float64, of the shape of `n_better`.

    `gains` [k] are those of the places 1 … k; beyond, nothing is gained.
    """
    total = np.concatenate([[0.0], np.cumsum(gains)])  # of the first 0 … k places
    first, last = (np.minimum(n, gains.size) for n in (n_better, n_better + n_tied + 1))
    expected: np.ndarray = (total[last] - total[first]) / (n_tied + 1)
    return expected
