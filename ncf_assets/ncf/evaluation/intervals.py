"""Compute confidence intervals of means over users, and of several differences at once.

An interval shows which means other users of the same kind could have given, and, of models that
were trained with several seeds, other seeds. It follows from sums over users alone (`Moments`), to
which users are added a block at a time. `summary` decides what the columns are;
`python -m benchmarks.intervals` measures how often the intervals are right.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri, stdtrit

LEVEL = 0.95
POWER = 0.8  # Cohen 1988, "Statistical Power Analysis", section 2.4
MIN_USERS = 30  # chosen: below, no interval is given, as no formula for them keeps its level
DRAWS = 20_000  # chosen: the level of simultaneous intervals is then off by 0.2 % or so


class Moments:
    """The number `n` of users so far, their `mean`, and the `squares` of deviations from it.

    Values are float64 [n, ...]; mean and squares, summed over users, are [...]. Blocks of users are
    joined by their means (Chan, Golub and LeVeque 1983, The American Statistician 37(3)), so that
    nothing is lost to rounding where deviations are small beside the values.
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean = self.squares = np.zeros(())

    def add(self, values: np.ndarray) -> None:
        """Add users, float64 [b, ...]; none change nothing."""
        if not len(values):
            return
        mean = values.mean(axis=0)
        gap, n = mean - self.mean, self.n + len(values)
        self.squares = self.squares + self._squares(values - mean)
        self.squares += self._squares(gap[None]) * (self.n * len(values) / n)
        self.mean = self.mean + gap * (len(values) / n)
        self.n = n

    def _squares(self, deviations: np.ndarray) -> np.ndarray:
        squares: np.ndarray = (deviations**2).sum(axis=0)
        return squares


class JointMoments(Moments):
    """Moments of m columns, whose `squares` have each column's products with each: [m, m]."""

    def _squares(self, deviations: np.ndarray) -> np.ndarray:
        products: np.ndarray = deviations.T @ deviations
        return products


@dataclass
class SeededMoments:
    """Moments of users' values by one seed or several, float64 [n, seeds, ...].

    `users` are those of the means over seeds, [...], and `luck` those of what each seed adds to
    them, [seeds, ...]; of one seed there is no luck.
    """

    users: Moments = field(default_factory=Moments)
    luck: Moments = field(default_factory=Moments)

    def add(self, values: np.ndarray) -> None:
        """Add users, float64 [b, seeds, ...]."""
        first = values[:, 0]
        if values.shape[1] == 1:
            self.users.add(first)
            return
        means = first + (values - first[:, None]).mean(axis=1)  # exact where seeds agree
        self.users.add(means)
        self.luck.add(values - means[:, None])

    @property
    def seed_means(self) -> np.ndarray:
        """The mean over users of each of several seeds: float64 [seeds, ...]."""
        return self.users.mean + self.luck.mean

    @property
    def seed_variance(self) -> np.ndarray:
        """The variance of the mean over the seeds: float64 [...], 0 for one seed.

        It is that of the two-way model of users and seeds, without the variance that the seeds'
        means would have if seeds differed by user alone, as users' own variance has it already.
        """
        if not self.luck.n:
            return np.zeros_like(self.users.mean)
        n, n_seeds = self.luck.n, len(self.luck.mean)
        noise = self.luck.squares.sum(axis=0) / ((n - 1) * (n_seeds - 1) * n)
        found: np.ndarray = np.maximum(self.seed_means.var(axis=0, ddof=1) - noise, 0)
        return found / n_seeds

    def seed_width(self, level: float) -> np.ndarray:
        """Return what chance of seeds adds to the half of an interval: float64 [...].

        For so few it takes the quantile of Student's t.
        """
        if not self.luck.n:
            return np.zeros_like(self.users.mean)
        t: float = stdtrit(len(self.luck.mean) - 1, (1 + level) / 2)
        return t * np.sqrt(self.seed_variance)


def of_means(found: SeededMoments, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of each column's mean, float64 [...], of values from 0 to 1.

    Where values are means over seeds, the variance of these is added, with the quantile of
    Student's t for so few (the modified large-sample method; Graybill and Wang 1980, Journal of the
    American Statistical Association 75(372)).

    It is Wilson's (1927) interval of a rate. Where values are not only 0 and 1, n is replaced by
    the number of users whose rate would vary as much as the mean does, p (1 - p) / variance: the
    effective sample size of surveys (Korn and Graubard 1998). Equal values have no width, apart
    from all 0 or all 1, which n users cannot settle. With fewer than MIN_USERS both ends are NaN.
    """
    mean, n = found.users.mean, found.users.n
    if n < MIN_USERS:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    z, bernoulli = ndtri((1 + level) / 2), mean * (1 - mean)
    pull = np.full_like(mean, z**2 / n)  # that of a column of zeros or ones
    own = z**2 * found.users.squares / n**2 + found.seed_width(level) ** 2
    np.divide(own, bernoulli, out=pull, where=bernoulli > 0)
    center = (mean + pull / 2) / (1 + pull)
    half_width = np.sqrt(pull * bernoulli + pull**2 / 4) / (1 + pull)
    return center - half_width, center + half_width


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
    found: SeededMoments, generator: np.random.Generator, level: float = LEVEL
) -> Differences:
    """Return intervals of the means of m columns of paired differences, whose moments are joint.

    Where differences are means over seeds, these count as in `of_means`: what they add holds for
    each column by itself. For all together, three seeds, whose deviations have but two dimensions,
    would take six times the width (Hotelling's T²), and no network would ever be told from another.

    In `level` of all samples, each of the intervals holds its true difference: their common width
    in standard errors is a quantile of the largest deviation of any column, of normal deviations
    that are correlated as the columns are (max-t; Hothorn, Bretz and Westfall 2008, Biometrical
    Journal 50(3)). Columns that depend on each other, as those of like models do, cost less width
    than Bonferroni's rule would take.
    """
    n, mean = found.users.n, found.users.mean
    if n < MIN_USERS:
        unknown = np.full_like(mean, np.nan)
        return Differences(mean, unknown, unknown, unknown, unknown)
    covariance = found.users.squares / (n - 1)
    error = np.sqrt(np.diag(covariance) / n)
    varied = error > 1e-12  # two models of equal ranks differ by rounding at most
    width = ndtri((1 + level) / 2)
    if varied.any():
        width = _widest(covariance[np.ix_(varied, varied)], generator, level)
    of_seeds = found.seed_width(level)
    half_width = np.hypot(width * error, of_seeds)
    seed_share = np.zeros_like(mean)
    np.divide(of_seeds, half_width, out=seed_share, where=half_width > 0)
    of_all = np.hypot(error, np.sqrt(found.seed_variance))
    return Differences(
        mean,
        mean - half_width,
        mean + half_width,
        half_width + ndtri(POWER) * of_all,
        seed_share**2,
    )


def _widest(covariance: np.ndarray, generator: np.random.Generator, level: float) -> float:
    """Return the quantile of the largest deviation among the columns, in standard errors."""
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / deviation[:, None] / deviation
    variances, directions = np.linalg.eigh(correlation)
    kept = variances > 1e-9 * variances[-1]  # columns that say the same are drawn once
    root = directions[:, kept] * np.sqrt(variances[kept])
    deviations = generator.standard_normal((DRAWS, root.shape[1])) @ root.T
    return float(np.quantile(np.abs(deviations).max(axis=1), level))
