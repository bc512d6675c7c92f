"""Compute confidence intervals of means over users, and of several differences at once.

An interval shows which means other users of the same kind could have given, and, of models that
were trained with several seeds, other seeds. `summary` decides what the columns are;
`python -m benchmarks.intervals` measures how often the intervals are right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit
from threadpoolctl import threadpool_limits

LEVEL = 0.95
POWER = 0.8  # Cohen 1988, "Statistical Power Analysis", section 2.4
MIN_USERS = 30  # chosen: below, no interval is given, as no formula for them keeps its level
AT_ONCE = 512  # chosen: users whose deviations are squared at a time, in the cache
DRAWS = 20_000  # chosen: the level of simultaneous intervals is then off by 0.2 % or so


def of_means(
    values: np.ndarray, seeds: "Seeds | None" = None, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of each column's mean, of values float64 [n, ...] from 0 to 1.

    Where values are means over seeds, the variance of these is added, with the quantile of
    Student's t for so few (the modified large-sample method; Graybill and Wang 1980, Journal of the
    American Statistical Association 75(372)).

    It is Wilson's (1927) interval of a rate. Where values are not only 0 and 1, n is replaced by
    the number of users whose rate would vary as much as the mean does, p (1 - p) / variance: the
    effective sample size of surveys (Korn and Graubard 1998). Equal values have no width, apart
    from all 0 or all 1, which n users cannot settle. With fewer than MIN_USERS both ends are NaN.
    """
    mean, n = values.mean(axis=0), len(values)
    if n < MIN_USERS:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    z, bernoulli = ndtri((1 + level) / 2), mean * (1 - mean)
    # 1 / effective number; that of a column of zeros or ones is n
    ratio = np.divide(
        _variance(values, mean), bernoulli, out=np.ones_like(mean), where=bernoulli > 0
    )
    pull = z**2 * ratio / n
    if seeds:
        t = stdtrit(len(seeds.means) - 1, (1 + level) / 2)
        of_seeds = t**2 * seeds.variance
        pull += np.divide(of_seeds, bernoulli, out=np.zeros_like(mean), where=bernoulli > 0)
    center = (mean + pull / 2) / (1 + pull)
    half_width = np.sqrt(pull * bernoulli + pull**2 / 4) / (1 + pull)
    return center - half_width, center + half_width


def _variance(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the variance of values float64 [n, ...] around their mean [...]: float64 [...]."""
    squares = np.zeros_like(mean)
    for start in range(0, len(values), AT_ONCE):
        squares += ((values[start : start + AT_ONCE] - mean) ** 2).sum(axis=0)
    return squares / len(values)


@dataclass(frozen=True)
class Seeds:
    """What several seeds gave: the mean over users of each, float64 [seeds, ...].

    `noise` [...] is the variance that these means would have if seeds differed by user alone, as
    users' own variance has it already.
    """

    means: np.ndarray
    noise: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Seeds | None":
        """Return what values float64 [n, seeds, ...] say; None of one seed or one user."""
        n, n_seeds = values.shape[:2]
        if min(n, n_seeds) < 2:
            return None
        means = values.mean(axis=0)
        within = values - values.mean(axis=1, keepdims=True) - means + means.mean(axis=0)
        return cls(means, (within**2).sum(axis=(0, 1)) / ((n - 1) * (n_seeds - 1) * n))

    @classmethod
    def stack(cls, columns: "Sequence[Seeds]") -> "Seeds | None":
        """Return columns side by side: [seeds, m]; None of none."""
        if not columns:
            return None
        means, noise = zip(*((of.means, of.noise) for of in columns), strict=True)
        return cls(np.stack(means, axis=1), np.stack(noise))

    def at(self, i: int, j: int) -> "Seeds":
        """Return the single column i, j of two axes: [seeds]."""
        return Seeds(self.means[:, i, j], self.noise[i, j])

    @property
    def variance(self) -> np.ndarray:
        """The variance of the mean over the seeds, of the two-way model of users and seeds."""
        found: np.ndarray = np.maximum(self.means.var(axis=0, ddof=1) - self.noise, 0)
        return found / len(self.means)


@dataclass(frozen=True)
class Differences:
    """Means over users with intervals that all hold together: float64 [m] each.

    `detectable` is the size of a true difference that would be found in POWER of all samples of as
    many users. `seed_share` is the part of the squared width that seeds add. With fewer than
    MIN_USERS, all but the means are NaN.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    detectable: np.ndarray
    seed_share: np.ndarray


def simultaneous(
    differences: np.ndarray,
    generator: np.random.Generator,
    seeds: "Seeds | None" = None,
    level: float = LEVEL,
) -> Differences:
    """Return intervals of the m columns of paired differences, float64 [n, m].

    Where differences are means over seeds, `seeds` are theirs, and count as in `of_means`: what
    they add holds for each column by itself. For all together, three seeds, whose deviations have
    but two dimensions, would take six times the width (Hotelling's T²), and no network would ever
    be told from another.

    In `level` of all samples, each of the intervals holds its true difference: their common width
    in standard errors is a quantile of the largest deviation of any column, of normal deviations
    that are correlated as the columns are (max-t; Hothorn, Bretz and Westfall 2008, Biometrical
    Journal 50(3)). Columns that depend on each other, as those of like models do, cost less width
    than Bonferroni's rule would take.
    """
    n, mean = len(differences), differences.mean(axis=0)
    if n < MIN_USERS:
        unknown = np.full_like(mean, np.nan)
        return Differences(mean, unknown, unknown, unknown, unknown)
    error = differences.std(axis=0, ddof=1) / np.sqrt(n)
    varied = error > 1e-12  # two models of equal ranks differ by rounding at most
    width = ndtri((1 + level) / 2)
    if varied.any():
        width = _widest(differences[:, varied], generator, level)
    half_width, of_all, seed_share = width * error, error, np.zeros_like(mean)
    if seeds:
        t, of_seeds = stdtrit(len(seeds.means) - 1, (1 + level) / 2), np.sqrt(seeds.variance)
        half_width = np.hypot(half_width, t * of_seeds)
        np.divide(t * of_seeds, half_width, out=seed_share, where=half_width > 0)
        seed_share **= 2
        of_all = np.hypot(error, of_seeds)
    return Differences(
        mean,
        mean - half_width,
        mean + half_width,
        half_width + ndtri(POWER) * of_all,
        seed_share,
    )


def _widest(values: np.ndarray, generator: np.random.Generator, level: float) -> float:
    """Return the quantile of the largest deviation among the columns, in standard errors."""
    with threadpool_limits(1, user_api="blas"):  # 20 times as fast where cores are shared
        correlation = np.atleast_2d(np.corrcoef(values, rowvar=False))
    variances, directions = np.linalg.eigh(correlation)
    kept = variances > 1e-9 * variances[-1]  # columns that say the same are drawn once
    root = directions[:, kept] * np.sqrt(variances[kept])
    deviations = generator.standard_normal((DRAWS, root.shape[1])) @ root.T
    return float(np.quantile(np.abs(deviations).max(axis=1), level))
