"""The figures of all models over users and segments, with intervals, and their differences.

What one user's rank is worth is `figures`; who is in a segment, `segments`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf import bootstrap
from ncf_assets.ncf.figures import Columns, Figures
from ncf_assets.ncf.randomness import rng
from ncf_assets.ncf.segments import ALL

COMPARED = ("hr", "ndcg")


@dataclass(frozen=True)
class Metric:
    """A row of the table `metrics`: a mean over users with its 95 % interval.

    k is 0 for what has no list length, such as AUC.
    """

    model: str
    protocol: str
    segment: str
    metric: str
    k: int
    value: float
    ci_low: float
    ci_high: float
    n_users: int


@dataclass(frozen=True)
class Comparison:
    """A row of the table `comparisons`: the mean of model - baseline over the same users."""

    model: str
    baseline: str
    protocol: str
    metric: str
    k: int
    difference: float
    ci_low: float
    ci_high: float
    n_users: int


def summarise(
    models: Sequence[str],
    by_protocol: Iterable[tuple[str, Figures]],
    segments: Mapping[str, np.ndarray],
    subject: str,
    seed: int,
) -> tuple[list[Metric], list[Comparison]]:
    """Means in every segment, and over all users the differences of `subject` to each other model.

    Within a segment all models, protocols and metrics are resampled by the same users. Protocols
    come one by one, as the figures of each are large.
    """
    means: list[Metric] = []
    differences: list[Comparison] = []
    for protocol, found in by_protocol:
        for segment, members in segments.items():
            values = found.values[members]
            resampled = bootstrap.resampled_means(
                values.reshape(len(values), -1), rng(seed, f"bootstrap {segment}")
            ).reshape(-1, *values.shape[1:])
            part = protocol, found.columns, values, resampled
            means += _means(models, segment, *part)
            if segment == ALL:
                differences += _differences(models, subject, *part)
            del values, part  # else they stay while the next are made
        del found
    return means, differences


def _means(
    models: Sequence[str],
    segment: str,
    protocol: str,
    columns: Columns,
    values: np.ndarray,
    resampled: np.ndarray,
) -> list[Metric]:
    """Rows of one segment, from values [n, models, columns] and means [resamples, ...]."""
    mean, (low, high) = values.mean(axis=0), bootstrap.interval(resampled)
    return [
        Metric(
            model, protocol, segment, metric, k,
            float(mean[m, c]), float(low[m, c]), float(high[m, c]), len(values),
        )
        for m, model in enumerate(models)
        for c, (metric, k) in enumerate(columns)
    ]  # fmt: skip


def _differences(
    models: Sequence[str],
    subject: str,
    protocol: str,
    columns: Columns,
    values: np.ndarray,
    resampled: np.ndarray,
) -> list[Comparison]:
    """Rows of all models but `subject`, which is compared with each."""
    ours = [models.index(subject)]
    mean = (values[:, ours] - values).mean(axis=0)
    low, high = bootstrap.interval(resampled[:, ours] - resampled)
    return [
        Comparison(
            subject, model, protocol, metric, k,
            float(mean[m, c]), float(low[m, c]), float(high[m, c]), len(values),
        )
        for m, model in enumerate(models)
        if model != subject
        for c, (metric, k) in enumerate(columns)
        if metric in COMPARED
    ]  # fmt: skip
