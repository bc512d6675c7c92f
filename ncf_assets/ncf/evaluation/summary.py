"""Average the models' metrics over users and segments, with intervals, and compare the models.

`user_metrics` has the metrics of each user's rank, and `segments` the members of a segment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.evaluation import bootstrap
from ncf_assets.ncf.evaluation.segments import ALL
from ncf_assets.ncf.evaluation.user_metrics import Columns, UserMetrics
from ncf_assets.ncf.random_streams import rng

COMPARED = ("hr", "ndcg")


@dataclass(frozen=True)
class Metric:
    """A row of the table `metrics`: a mean over users with its 95 % interval.

    k is 0 for a metric without a list length, such as AUC.
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


def summarize(
    models: Sequence[str],
    by_protocol: Iterable[tuple[str, UserMetrics]],
    segments: Mapping[str, np.ndarray],
    subject: str,
    seed: int,
) -> tuple[list[Metric], list[Comparison]]:
    """Return the means of every segment, and the differences of `subject` to each other model.

    The differences are over all users. Within a segment all models, protocols and metrics are
    resampled by the same users. Protocols come one by one, as the metrics of each are large.
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
            del values, part  # frees them before the next protocol's are made
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
    """Return a segment's rows, from values [n, models, columns] and means [resamples, ...]."""
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
    """Return the rows of all models but `subject`, which is compared with each."""
    own = [models.index(subject)]
    mean = (values[:, own] - values).mean(axis=0)
    low, high = bootstrap.interval(resampled[:, own] - resampled)
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
