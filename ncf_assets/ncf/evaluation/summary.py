"""Average the models' metrics over users and segments, with intervals, and compare the models.

`user_metrics` has the metrics of each user's rank, `segments` the members of a segment, and
`intervals` the statistics.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ncf_assets.ncf.evaluation import intervals
from ncf_assets.ncf.evaluation.segments import ALL
from ncf_assets.ncf.evaluation.user_metrics import Columns, UserMetrics
from ncf_assets.ncf.random_streams import rng

COMPARED = ("hr", "ndcg")
DECIMALS = 4  # of a difference, before any verdict: whoever checks one by its interval is right
Verdict = Literal["better", "equal", "undecided", "worse"]


@dataclass(frozen=True)
class Metric:
    """A row of the table `metrics`: a mean over users with its 95 % interval.

    k is 0 for a metric without a list length, such as AUC. An interval that cannot be given is
    None: that of few users, or of an estimate.
    """

    model: str
    protocol: str
    segment: str
    metric: str
    k: int
    value: float
    ci_low: float | None
    ci_high: float | None
    n_users: int


@dataclass(frozen=True)
class Comparison:
    """A row of the table `comparisons`: the mean of model - baseline over the same users.

    The 95 % intervals of all rows of one k hold together. `detectable` and `margin` are sizes of
    differences: what would be found in 80 % of samples, and what counts as none. None: few users.
    The `verdict` on the model follows: see `verdict`.
    """

    model: str
    baseline: str
    protocol: str
    metric: str
    k: int
    difference: float
    ci_low: float | None
    ci_high: float | None
    detectable: float | None
    margin: float
    n_users: int
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        """Decide."""
        object.__setattr__(self, "verdict", verdict(self.ci_low, self.ci_high, self.margin))


@dataclass(frozen=True)
class Compared:
    """What is compared of one protocol: a subject's paired differences, float64 [n, baselines, c].

    `levels` [baselines, c] are the baselines' own means.
    """

    protocol: str
    columns: Columns
    differences: np.ndarray
    levels: np.ndarray


def verdict(ci_low: float | None, ci_high: float | None, margin: float) -> Verdict:
    """Return what the interval of a paired difference says, by itself and by the margin.

    One that leaves out 0 says better or worse, unless it lies within the margin below which a
    difference counts as none: then the models are equal. Any other interval says nothing, nor does
    a missing one.
    """
    if ci_low is None or ci_high is None:
        return "undecided"
    low, high, least = (round(value, DECIMALS) for value in (ci_low, ci_high, margin))
    if -least <= low and high <= least:
        return "equal"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "undecided"


def summarize(
    models: Sequence[str],
    by_protocol: Iterable[tuple[str, UserMetrics]],
    segments: Mapping[str, np.ndarray],
    subject: str,
    margin: float,
    seed: int,
) -> tuple[list[Metric], list[Comparison]]:
    """Return the means of every segment, and the differences of `subject` to each other model.

    The differences are over all users. `margin` is the share of a baseline's figure below which a
    difference counts as none. Protocols come one by one, as the metrics of each are large.
    """
    means: list[Metric] = []
    compared: list[Compared] = []
    for protocol, found in by_protocol:
        for segment, members in segments.items():
            means += _means(models, segment, protocol, found, members)
        if not found.estimated:
            compared.append(_compared(models, subject, protocol, found, segments[ALL]))
        del found  # frees them before the next protocol's are made
    baselines = [model for model in models if model != subject]
    ks = sorted({k for one in compared for _, k in one.columns})
    generators = {k: rng(seed, f"bootstrap at {k}") for k in ks}
    return means, [
        row
        for k, generator in generators.items()
        for row in _comparisons(subject, baselines, compared, k, margin, generator)
    ]


def _means(
    models: Sequence[str], segment: str, protocol: str, found: UserMetrics, members: np.ndarray
) -> list[Metric]:
    """Return a segment's rows."""
    values = found.values[members]
    mean = values.mean(axis=0)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    if not found.estimated:
        low, high = intervals.of_means(values)
    return [
        Metric(
            model, protocol, segment, metric, k,
            float(mean[m, c]), _known(low[m, c]), _known(high[m, c]), len(values),
        )
        for m, model in enumerate(models)
        for c, (metric, k) in enumerate(found.columns)
    ]  # fmt: skip


def _compared(
    models: Sequence[str], subject: str, protocol: str, found: UserMetrics, members: np.ndarray
) -> Compared:
    """Return what is compared of a protocol."""
    chosen = [c for c, (metric, _) in enumerate(found.columns) if metric in COMPARED]
    values = found.values[members][:, :, chosen]
    own = models.index(subject)
    others = np.delete(values, own, axis=1)
    columns = [found.columns[c] for c in chosen]
    return Compared(protocol, columns, values[:, [own]] - others, others.mean(axis=0))


def _comparisons(
    subject: str,
    baselines: Sequence[str],
    compared: Sequence[Compared],
    k: int,
    margin: float,
    generator: np.random.Generator,
) -> list[Comparison]:
    """Return all rows of one length of list, whose intervals hold together."""
    parts = [
        (baseline, one.protocol, metric, one.differences[:, b, c], float(one.levels[b, c]))
        for one in compared
        for b, baseline in enumerate(baselines)
        for c, (metric, length) in enumerate(one.columns)
        if length == k
    ]
    if not parts:
        return []
    differences = np.column_stack([part[3] for part in parts])
    found = intervals.simultaneous(differences, generator)
    return [
        Comparison(
            subject, baseline, protocol, metric, k,
            float(found.mean[i]), _known(found.low[i]), _known(found.high[i]),
            _known(found.detectable[i]), margin * level, len(differences),
        )
        for i, (baseline, protocol, metric, _, level) in enumerate(parts)
    ]  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
