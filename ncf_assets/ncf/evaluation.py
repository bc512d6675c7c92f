"""All figures of all models: means over users and segments, with intervals, and differences.

What one user's rank is worth is `metrics` and `corrected`; who is in a segment, `segments`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf import bootstrap, corrected, metrics
from ncf_assets.ncf.randomness import rng
from ncf_assets.ncf.segments import ALL

NO_CUT = 0  # the k of AUC, which looks at whole lists
COMPARED = ("hr", "ndcg")
GAINS = {
    "hr": metrics.hit_gains,
    "ndcg": metrics.ndcg_gains,
    "mrr": metrics.reciprocal_gains,
    "recall": metrics.hit_gains,  # of one relevant item, the same
}
Columns = list[tuple[str, int]]  # metric and k


@dataclass(frozen=True)
class Ranks:
    """Where the models place the held-out items of the same n users, under one protocol.

    `n_candidates` is integers [n]; `n_better` and `n_tied` are integers [n, models].
    """

    n_candidates: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray


@dataclass(frozen=True)
class Figures:
    """What the users' ranks are worth: float64 [n, models, columns]."""

    columns: Columns
    values: np.ndarray


@dataclass(frozen=True)
class Metric:
    """A row of the table `metrics`: a mean over users with its 95 % interval."""

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


def figures(ranks: Ranks, ks: Sequence[int]) -> Figures:
    """Every metric at every k, by expectation; hit ratio and NDCG with all ties won or lost too."""
    better, tied = ranks.n_better, ranks.n_tied
    none = np.zeros_like(tied)
    cases = [(name, name, better, tied) for name in GAINS]
    cases += [(f"{name}_optimistic", name, better, none) for name in COMPARED]
    cases += [(f"{name}_pessimistic", name, better + tied, none) for name in COMPARED]
    found = {
        (label, k): metrics.expected_gain(GAINS[name](k), n_better, n_tied)
        for label, name, n_better, n_tied in cases
        for k in ks
    }
    found["auc", NO_CUT] = metrics.auc(better, tied, ranks.n_candidates[:, None])
    return Figures(list(found), np.stack(list(found.values()), axis=2))


def corrected_figures(sampled: Ranks, n_candidates: np.ndarray, ks: Sequence[int]) -> Figures:
    """What sampled ranks say of the full lists, of lengths n_candidates [n], by expectation.

    AUC is left out: sampled or not, its expectation is the same.
    """
    columns = [(name, k) for name in GAINS for k in ks]
    gains = np.zeros((len(columns), max(ks)))
    for row, (name, k) in zip(gains, columns, strict=True):
        row[:k] = GAINS[name](k)
    n_negatives = int(sampled.n_candidates[0]) - 1
    lengths = corrected.rounded(n_candidates, n_negatives)
    values = np.empty((*sampled.n_better.shape, len(columns)))
    for length in np.unique(lengths):
        users = lengths == length
        ranks = sampled.n_better[users], sampled.n_tied[users]
        of_length = corrected.corrected_gains(gains, int(length), n_negatives)
        for column, own in enumerate(of_length):
            values[users, :, column] = metrics.expected_gain(own, *ranks)
    return Figures(columns, values)


def summarise(
    models: Sequence[str],
    by_protocol: Mapping[str, Figures],
    segments: Mapping[str, np.ndarray],
    subject: str,
    seed: int,
) -> tuple[list[Metric], list[Comparison]]:
    """Means in every segment, and over all users the differences of `subject` to each other model.

    Within a segment all models, protocols and metrics are resampled by the same users.
    """
    means: list[Metric] = []
    differences: list[Comparison] = []
    for protocol, found in by_protocol.items():
        for segment, members in segments.items():
            values = found.values[members]
            resampled = bootstrap.resampled_means(
                values.reshape(len(values), -1), rng(seed, f"bootstrap {segment}")
            ).reshape(-1, *values.shape[1:])
            part = protocol, found.columns, values, resampled
            means += _means(models, segment, *part)
            if segment == ALL:
                differences += _differences(models, subject, *part)
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
