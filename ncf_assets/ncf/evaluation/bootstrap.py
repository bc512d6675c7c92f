"""Compute confidence intervals of means over users by the bootstrap (Efron 1979).

An interval shows which means other users of the same kind could have given. All columns are
resampled by the same users, so differences between columns are paired. `summary` decides what the
columns are.
"""

import numpy as np
from threadpoolctl import threadpool_limits

CHUNK = 2**22  # chosen: counts of resampled users in memory at a time, 32 MB
RESAMPLES = 1000  # chosen: the ends of an interval are then known to a tenth of its width
LEVEL = 0.95


def resampled_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES
) -> np.ndarray:
    """Return each column's means over users drawn with replacement: float64 [resamples, m].

    `values` is float64 [n, m], a row per user. Raise ValueError without users.
    """
    n = len(values)
    if not n:
        raise ValueError(
            "Cannot compute a confidence interval over zero users. Give at least one user."
        )
    means = np.empty((resamples, values.shape[1]))
    for part in np.array_split(np.arange(resamples), resamples * n // CHUNK + 1):
        drawn = rng.integers(n, size=(part.size, n)) + n * np.arange(part.size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=part.size * n).reshape(part.size, n)
        with threadpool_limits(1, user_api="blas"):  # 20 times as fast where cores are shared
            means[part] = counts.astype(np.float64) @ values / n
    return means


def interval(means: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the percentile interval of each column of means [resamples, m]: two ends [m]."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
