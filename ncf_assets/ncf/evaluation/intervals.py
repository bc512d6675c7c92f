"""Compute confidence intervals of means over users, and of several differences at once.

An interval shows which means other users of the same kind could have given, and, of models that
were trained with several seeds, other seeds. `summary` decides what the columns are;
`python -m benchmarks.intervals` measures how often the intervals are right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit
from threadpoolctl import threadpool_limits

LEVEL = 0.95
POWER = 0.8  # Cohen 1988, "Statistical Power Analysis", section 2.4
MIN_USERS = 30  # chosen: below, no interval is given, as no formula for them keeps its level
RESAMPLES = 1000  # chosen: the level of simultaneous intervals is then off by 0.7 % or so
CHUNK = 2**22  # chosen: counts of resampled users in memory at a time, 32 MB


def of_means(
    values: np.ndarray, by_seed: np.ndarray | None = None, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of each column's mean, of values float64 [n, ...] from 0 to 1.

    Where values are means over seeds, `by_seed` float64 [seeds, ...] has the mean over users of
    each seed, whose variance counts as well.

    It is Wilson's (1927) interval of a rate. Where values are not only 0 and 1, n is replaced by
    the number of users whose rate would vary as much as the mean does, p (1 - p) / variance: the
    effective sample size of surveys (Korn and Graubard 1998). Equal values have no width, apart
    from all 0 or all 1, which n users cannot settle. With fewer than MIN_USERS both ends are NaN.
    """
    mean, n = values.mean(axis=0), len(values)
    if n < MIN_USERS:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    bernoulli = mean * (1 - mean)
    # 1 / effective number; that of a column of zeros or ones is n
    ratio = np.divide(values.var(axis=0), bernoulli, out=np.ones_like(mean), where=bernoulli > 0)
    of_users, of_seeds = ratio * bernoulli / n, _variance_of_seeds(by_seed, mean)
    ratio += n * np.divide(of_seeds, bernoulli, out=np.zeros_like(mean), where=bernoulli > 0)
    z = _quantile((1 + level) / 2, of_users, of_seeds, by_seed)
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
    differences: np.ndarray,
    rng: np.random.Generator,
    by_seed: np.ndarray | None = None,
    level: float = LEVEL,
) -> Differences:
    """Return intervals of the m columns of paired differences, float64 [n, m].

    Where differences are means over seeds, `by_seed` float64 [seeds, m] has the mean over users of
    each seed.

    In `level` of all samples, each of the intervals holds its true difference: their common width
    in standard errors is a quantile of the largest deviation of any column, in resamples of users
    (max-t; Romano and Wolf 2005, Econometrica 73(4)). Columns that depend on each other, as those
    of like models do, cost less width than Bonferroni's rule would take.
    """
    n, mean = len(differences), differences.mean(axis=0)
    if n < MIN_USERS:
        unknown = np.full_like(mean, np.nan)
        return Differences(mean, unknown, unknown, unknown)
    of_users, of_seeds = differences.var(axis=0, ddof=1) / n, _variance_of_seeds(by_seed, mean)
    error = np.sqrt(of_users + of_seeds)
    varied = error > 1e-12  # two models of equal ranks differ by rounding at most
    width = ndtri((1 + level) / 2)
    if varied.any():
        deviations = resampled_means(differences[:, varied], rng) - mean[varied]
        if by_seed is not None:
            deviations += _drawn_seeds(by_seed[:, varied], rng)
        largest = (np.abs(deviations) / error[varied]).max(axis=1)
        width = np.quantile(largest, level)
    width = _quantile(ndtr(width), of_users, of_seeds, by_seed)
    return Differences(
        mean, mean - width * error, mean + width * error, (width + ndtri(POWER)) * error
    )


def _variance_of_seeds(by_seed: np.ndarray | None, mean: np.ndarray) -> np.ndarray:
    """Return the variance of each mean over seeds, 0 with one seed: float64, as `mean`."""
    if by_seed is None or len(by_seed) < 2:
        return np.zeros_like(mean)
    variance: np.ndarray = by_seed.var(axis=0, ddof=1) / len(by_seed)
    return variance


def _quantile(
    p: float, of_users: np.ndarray, of_seeds: np.ndarray, by_seed: np.ndarray | None
) -> np.ndarray:
    """Return by how many standard errors the quantile p of a mean lies above it.

    The variance of a few seeds is itself uncertain, so the quantile is that of Student's t with
    Satterthwaite's (1946) degrees of freedom; of users there are so many that theirs are infinite.
    """
    if by_seed is None or len(by_seed) < 2:
        return np.full_like(of_users, ndtri(p))
    share = np.divide(
        of_seeds, of_users + of_seeds, out=np.zeros_like(of_seeds), where=of_seeds > 0
    )
    freedom = np.divide(
        len(by_seed) - 1, share**2, out=np.full_like(share, np.inf), where=share > 0
    )
    quantile: np.ndarray = stdtrit(freedom, p)
    return quantile


def _drawn_seeds(by_seed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how far the means over seeds may be off: [RESAMPLES, m].

    Resamples of so few would have no tails; sums of their deviations with normal weights have the
    normal distribution of the same covariance (the multiplier bootstrap; Chernozhukov et al. 2013,
    Annals of Statistics 41(6)).
    """
    n = len(by_seed)
    deviations = (by_seed - by_seed.mean(axis=0)) / np.sqrt(n * max(n - 1, 1))
    off: np.ndarray = rng.normal(size=(RESAMPLES, n)) @ deviations
    return off


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
