"""Estimate metrics of the full ranking from sampled ranks, by the bias-variance estimator.

Krichene and Rendle 2020, "On Sampled Metrics for Item Recommendation", section 6: a sampled rank is
given the value that, on average over all true ranks, comes nearest to the metric of the true rank.
Single values may lie outside the metric's range. The gains of true ranks are in `metrics`.
"""

import numpy as np
from scipy.special import gammaln

GAMMA = 0.1  # weight of the variance, as in section 7 of the paper
CELLS = 2**22  # chosen: chances that are in memory at a time, 32 MB
DIGITS = 6  # chosen: list lengths keep so many binary digits after the first, so that few differ


def corrected_gains(
    gains: np.ndarray, n_candidates: int, n_negatives: int, gamma: float = GAMMA
) -> np.ndarray:
    """Return the gain of each sampled rank 1 … n_negatives + 1: float64 [m, n_negatives + 1].

    With P[r, s] the chance that the true rank r is sampled as s, all true ranks equally likely, the
    values minimize the squared bias (P x - gains)² plus gamma times the variance:
    ((1 - gamma) PᵀP + gamma diag(Pᵀ1)) x = Pᵀ gains.

    Args:
        gains: of the true ranks 1 … k, float64 [m, k]; later ranks gain 0
        n_candidates: length of the full list, more than n_negatives
        n_negatives: distinct others that were sampled of it
        gamma: 0 for the least bias, 1 for the least variance

    """
    left = np.zeros((n_negatives + 1, n_negatives + 1))
    right = np.zeros((n_negatives + 1, len(gains)))
    at_once = max(1, CELLS // (n_negatives + 1))
    for first in range(0, n_candidates, at_once):
        better = np.arange(first, min(first + at_once, n_candidates))
        chance = rank_chances(better, n_candidates, n_negatives)
        left += (1 - gamma) * chance.T @ chance + gamma * np.diag(chance.sum(axis=0))
        gained = gains[:, better[better < gains.shape[1]]]
        right += chance[: gained.shape[1]].T @ gained.T
    values: np.ndarray = np.linalg.solve(left, right).T
    return values


def rank_chances(better: np.ndarray, n_candidates: int, n_negatives: int) -> np.ndarray:
    """Return the chance of each sampled rank: float64 [true ranks, n_negatives + 1].

    Of the n_candidates - 1 others, `better` are better at each true rank, integers [true ranks];
    their number among the n_negatives drawn without replacement is hypergeometric.
    """
    better = better[:, None]
    drawn = np.arange(n_negatives + 1)
    logs = gammaln(np.arange(n_candidates) + 1.0)  # of the factorials
    chance: np.ndarray = np.exp(
        _log_choose(logs, better, drawn)
        + _log_choose(logs, n_candidates - 1 - better, n_negatives - drawn)
        - _log_choose(logs, np.array(n_candidates - 1), np.array(n_negatives))
    )
    return chance


def rounded(n_candidates: np.ndarray, n_negatives: int) -> np.ndarray:
    """Round list lengths to within 0.8 %, so that few differ; up to 127 they stay: integers [n].

    Each length needs equations of its own, and a metric is off by as much as the length.
    """
    step = 2 ** np.maximum(0, np.log2(n_candidates).astype(np.int64) - DIGITS)
    nearest: np.ndarray = np.round(n_candidates / step).astype(np.int64) * step
    return np.maximum(nearest, n_negatives + 1)


def _log_choose(logs: np.ndarray, n: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the logarithm of n over k, -inf if k > n; `logs` are those of the factorials."""
    possible = k <= n
    ways = logs[n] - logs[np.where(possible, k, 0)] - logs[np.where(possible, n - k, 0)]
    return np.where(possible, ways, -np.inf)
