"""Compute confidence intervals of means over users, and of several differences at once.

An interval shows which means other users of the same kind could have given. `summary` decides what
the columns are; `python -m benchmarks.intervals` measures how often the intervals are right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

LEVEL = 0.95
POWER = 0.8  # Cohen 1988, "Statistical Power Analysis", section 2.4
MIN_USERS = 30  # chosen: below, no interval is given, as no formula for them keeps its level
RESAMPLES = 1000  # chosen: the level of simultaneous intervals is then off by 0.7 % or so
CHUNK = 2**22  # chosen: counts of resampled users in memory at a time, 32 MB


def of_means(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of each column's mean, of values float64 [n, ...] from 0 to 1.

    It is Wilson's (1927) interval of a rate. Where values are not only 0 and 1, n is replaced by
    the number of users whose rate would vary as much as the mean does, p (1 - p) / variance: the
    effective sample size of surveys (Korn and Graubard 1998). Equal values have no width, apart
    from all 0 or all 1, which n users cannot settle. With fewer than MIN_USERS both ends are NaN.
    """
    mean, n = values.mean(axis=0), len(values)
    if n < MIN_USERS:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    z = ndtri((1 + level) / 2)
    bernoulli = mean * (1 - mean)
    # 1 / effective number; that of a column of zeros or ones is n
    ratio = np.divide(values.var(axis=0), bernoulli, out=np.ones_like(mean), where=bernoulli > 0)
    pull = z**2 * ratio / n
    center = (mean + pull / 2) / (1 + pull)
    half_width = np.sqrt(pull * bernoulli + pull**2 / 4) / (1 + pull)
    return center - half_width, center + half_width


@dataclass(frozen=True)
class Differences:
    """Means over users with intervals that all hold together: float64 [m] each.

    `detectable` is the size of a true difference that would be found in POWER of all samples of as
    many users. With fewer than MIN_USERS, intervals and `detectable` are NaN.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    detectable: np.ndarray


def simultaneous(
    differences: np.ndarray, rng: np.random.Generator, level: float = LEVEL
) -> Differences:
    """Return intervals of the m columns of paired differences, float64 [n, m].

    In `level` of all samples, each of the intervals holds its true difference: their common width
    in standard errors is a quantile of the largest deviation of any column, in resamples of users
    (max-t; Romano and Wolf 2005, Econometrica 73(4)). Columns that depend on each other, as those
    of like models do, cost less width than Bonferroni's rule would take.
    """
    n, mean = len(differences), differences.mean(axis=0)
    if n < MIN_USERS:
        unknown = np.full_like(mean, np.nan)
        return Differences(mean, unknown, unknown, unknown)
    error = differences.std(axis=0, ddof=1) / np.sqrt(n)
    varied = error > 1e-12  # two models of equal ranks differ by rounding at most
    width = ndtri((1 + level) / 2)
    if varied.any():
        resampled = resampled_means(differences[:, varied], rng)
        largest = (np.abs(resampled - mean[varied]) / error[varied]).max(axis=1)
        width = np.quantile(largest, level)
    return Differences(
        mean, mean - width * error, mean + width * error, (width + ndtri(POWER)) * error
    )


def resampled_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES
) -> np.ndarray:
    """Return each column's means over users drawn with replacement: float64 [resamples, m].

    `values` is float64 [n, m], a row per user. All columns are resampled by the same users (Efron
    1979).
    """
    n = len(values)
    means = np.empty((resamples, values.shape[1]))
    for part in np.array_split(np.arange(resamples), resamples * n // CHUNK + 1):
        drawn = rng.integers(n, size=(part.size, n)) + n * np.arange(part.size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=part.size * n).reshape(part.size, n)
        with threadpool_limits(1, user_api="blas"):  # 20 times as fast where cores are shared
            means[part] = counts.astype(np.float64) @ values / n
    return means
