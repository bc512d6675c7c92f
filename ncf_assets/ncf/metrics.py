"""Hit ratio and NDCG from ranks, one relevant item per user, with bootstrap intervals.

Ties count by expectation: among equals the relevant item is at each place with equal chance.
Where ranks come from is `ranking`.
"""

from dataclasses import dataclass

import numpy as np

CHUNK = 2**20  # ours: counts of a bootstrap in memory at a time, 8 MB


@dataclass(frozen=True)
class Metric:
    """The mean of a metric over users, with its 95 % interval."""

    metric: str
    k: int
    value: float
    ci_low: float
    ci_high: float
    n_users: int


def hit_ratio(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Chance that the relevant item is among the first k: float64 [n], 0 to 1.

    It is at one of the places n_better + 1 … n_better + n_tied + 1 (both integers [n]).
    """
    places = n_tied + 1.0
    hits: np.ndarray = np.clip(k - n_better, 0, places) / places
    return hits


def ndcg(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Expected normalised discounted cumulative gain among the first k: float64 [n], 0 to 1.

    At place r the gain is 1 / log2(r + 1), and 0 beyond k (Järvelin and Kekäläinen 2002). One
    relevant item can gain 1 at most, so there is nothing to normalise by.
    """
    gains = 1 / np.log2(np.arange(k) + 2)  # of places 1 … k
    total = np.concatenate([[0.0], np.cumsum(gains)])  # of the first 0 … k places
    first, last = np.minimum(n_better, k), np.minimum(n_better + n_tied + 1, k)
    expected: np.ndarray = (total[last] - total[first]) / (n_tied + 1)
    return expected


def bootstrap_interval(
    values: np.ndarray, rng: np.random.Generator, level: float = 0.95, resamples: int = 1000
) -> tuple[float, float]:
    """Percentile interval of the mean of `values` [n] over resampled users (Efron 1979).

    How often each distinct value is in a resample is multinomial; few values are distinct, so
    that is drawn instead of n users. ValueError without values.
    """
    if not values.size:
        raise ValueError("an interval is over users, found none; give at least one")
    distinct, counts = np.unique(values, return_counts=True)
    n_chunks = resamples * distinct.size // CHUNK + 1
    means = [
        rng.multinomial(values.size, counts / values.size, size=part.size) @ distinct / values.size
        for part in np.array_split(np.arange(resamples), n_chunks)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarise(
    n_better: np.ndarray, n_tied: np.ndarray, k: int, rng: np.random.Generator
) -> list[Metric]:
    """Hit ratio and NDCG by expectation, and with all ties won and lost; from integers [n].

    ValueError without users.
    """
    none = np.zeros_like(n_tied)
    cases = {
        "": (n_better, n_tied),
        "_optimistic": (n_better, none),
        "_pessimistic": (n_better + n_tied, none),
    }
    return [
        _metric(name + case, k, formula(*ranks, k), rng)
        for name, formula in (("hr", hit_ratio), ("ndcg", ndcg))
        for case, ranks in cases.items()
    ]


def _metric(name: str, k: int, values: np.ndarray, rng: np.random.Generator) -> Metric:
    low, high = bootstrap_interval(values, rng)  # first, as it refuses to work without users
    return Metric(name, k, float(values.mean()), low, high, values.size)
