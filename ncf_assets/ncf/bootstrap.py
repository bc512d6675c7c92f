"""Intervals over users by the bootstrap (Efron 1979): what other such users would have given.

All columns are resampled by the same users, so differences between columns are paired.
What the columns are is `evaluation`.
"""

import numpy as np
from threadpoolctl import threadpool_limits

CHUNK = 2**22  # ours: counts of resampled users in memory at a time, 32 MB
RESAMPLES = 1000  # ours: the ends of an interval are then known to a tenth of its width
LEVEL = 0.95


def resampled_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES
) -> np.ndarray:
    """Means of each column over users that are drawn anew, with replacement: [resamples, m].

    `values` is float64 [n, m], a row per user. ValueError without users.
    """
    n = len(values)
    if not n:
        raise ValueError("an interval is over users, found none; give at least one")
    means = np.empty((resamples, values.shape[1]))
    for part in np.array_split(np.arange(resamples), resamples * n // CHUNK + 1):
        drawn = rng.integers(n, size=(part.size, n)) + n * np.arange(part.size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=part.size * n).reshape(part.size, n)
        with threadpool_limits(1, user_api="blas"):  # 20 times as fast where cores are shared
            means[part] = counts.astype(np.float64) @ values / n
    return means


def interval(means: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of each column of means [resamples, m]: its ends, float64 [m] each."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
