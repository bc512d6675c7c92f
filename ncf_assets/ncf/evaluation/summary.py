"""Average the models' metrics over users and segments, with intervals, and compare the models.

`user_metrics` has the metrics of each user's rank, `segments` the members of a segment, and
`intervals` the statistics.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    The value of a model that was trained with several seeds is the mean over them, and
    `seed_deviation` their standard deviation (n - 1), None for one seed. k is 0 for a metric
    without a list length, such as AUC. An interval that cannot be given is None: that of few users,
    or of an estimate.
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
    n_seeds: int = 1
    seed_deviation: float | None = None


@dataclass(frozen=True)
class SeedMetric:
    """A row of the table `seed_metrics`: the mean over all users of one of several seeds."""

    model: str
    seed: int
    protocol: str
    metric: str
    k: int
    value: float


@dataclass(frozen=True)
class Comparison:
    """A row of the table `comparisons`: the mean of model - baseline over the same users.

    The 95 % intervals of all rows of one k hold together. `detectable` and `margin` are sizes of
    differences: what would be found in 80 % of samples, and what counts as none. `seed_share` is
    the part of the interval's squared width that seeds add. None: few users. The `verdict` on the
    model follows: see `verdict`.
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
    seed_share: float | None
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        """Decide."""
        object.__setattr__(self, "verdict", verdict(self.ci_low, self.ci_high, self.margin))


@dataclass(frozen=True)
class Compared:
    """What is compared of one protocol: a subject's paired differences, float64 [n, baselines, c].

    They are means over seeds, of which `seeds` says what they gave, [seeds, baselines, c].
    `levels` [baselines, c] are the baselines' own means.
    """

    protocol: str
    columns: Columns
    differences: np.ndarray
    seeds: intervals.Seeds | None
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


@dataclass(frozen=True)
class Summary:
    """What all users' metrics come to; `of_seeds` has the models of several seeds alone."""

    metrics: list[Metric]
    of_seeds: list[SeedMetric]
    comparisons: list[Comparison]


def summarize(
    trainings: Sequence[tuple[str, int]],
    by_protocol: Iterable[tuple[str, UserMetrics]],
    segments: Mapping[str, np.ndarray],
    subject: str,
    margin: float,
    seed: int,
) -> Summary:
    """Return the means of every segment, and the differences of `subject` to each other model.

    `trainings` are the model and the seed of each axis of the metrics, of which a model has one, or
    as many as any other that has several. The differences are over all users. `margin` is the share
    of a baseline's figure below which a difference counts as none. Protocols come one by one, as
    the metrics of each are large.
    """
    axes: dict[str, list[int]] = {}
    for axis, (model, _) in enumerate(trainings):
        axes.setdefault(model, []).append(axis)
    found = Summary([], [], [])
    compared: list[Compared] = []
    for protocol, of_users in by_protocol:
        for segment, members in segments.items():
            found.metrics.extend(_means(axes, segment, protocol, of_users, members))
        found.of_seeds.extend(_of_seeds(trainings, axes, protocol, of_users, segments[ALL]))
        if not of_users.estimated and len(axes) > 1:
            compared.append(_compared(axes, subject, protocol, of_users, segments[ALL]))
        del of_users  # frees them before the next protocol's are made
    baselines = [model for model in axes if model != subject]
    for k in sorted({k for one in compared for _, k in one.columns}):
        generator = rng(seed, f"intervals at {k}")
        found.comparisons.extend(_comparisons(subject, baselines, compared, k, margin, generator))
    return found


def _means(
    axes: Mapping[str, list[int]],
    segment: str,
    protocol: str,
    found: UserMetrics,
    members: np.ndarray,
) -> Iterator[Metric]:
    """Yield a segment's rows."""
    rows = np.flatnonzero(members)[:, None, None]
    of_models: dict[str, tuple[np.ndarray, ...]] = {}  # mean, low, high and deviation [c] of each
    for n_seeds in sorted({len(own) for own in axes.values()}):
        models = [model for model, own in axes.items() if len(own) == n_seeds]
        own_axes = np.transpose([axes[model] for model in models])
        by_seed = found.values[rows, own_axes]  # [n, seeds, models, c]
        values, seeds = by_seed[:, 0], by_seed.mean(axis=0)  # [n, models, c], [seeds, models, c]
        mean, deviation = seeds.mean(axis=0), np.full(values.shape[1:], np.nan)
        if n_seeds > 1:
            values, deviation = by_seed.mean(axis=1), seeds.std(axis=0, ddof=1)
        low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
        if not found.estimated:
            low, high = intervals.of_means(values, intervals.Seeds.of(by_seed))
        of_models |= dict(zip(models, zip(mean, low, high, deviation, strict=True), strict=True))
    for model, own in axes.items():
        for (metric, k), mean, low, high, deviation in zip(
            found.columns, *of_models[model], strict=True
        ):
            yield Metric(
                model, protocol, segment, metric, k,
                float(mean), _known(low), _known(high), len(rows),
                len(own), _known(deviation),
            )  # fmt: skip


def _of_seeds(
    trainings: Sequence[tuple[str, int]],
    axes: Mapping[str, list[int]],
    protocol: str,
    found: UserMetrics,
    members: np.ndarray,
) -> Iterator[SeedMetric]:
    """Yield the rows of the models that have several seeds."""
    for axis, (model, seed) in enumerate(trainings):
        if len(axes[model]) > 1:
            means = found.values[members, axis].mean(axis=0)
            for (metric, k), value in zip(found.columns, means, strict=True):
                yield SeedMetric(model, seed, protocol, metric, k, float(value))


def _compared(
    axes: Mapping[str, list[int]],
    subject: str,
    protocol: str,
    found: UserMetrics,
    members: np.ndarray,
) -> Compared:
    """Return what is compared of a protocol.

    A seed of the subject is set against that of the baseline which is in the same place.
    """
    chosen = [c for c, (metric, _) in enumerate(found.columns) if metric in COMPARED]
    all_axes = np.arange(found.values.shape[1])
    values = found.values[np.ix_(np.flatnonzero(members), all_axes, np.array(chosen))]
    others = [own for model, own in axes.items() if model != subject]
    n_seeds = max(len(own) for own in axes.values())
    shape = len(values), n_seeds, len(chosen)
    differences = np.stack(
        [np.broadcast_to(values[:, axes[subject]] - values[:, own], shape) for own in others],
        axis=2,
    )  # [n, seeds, baselines, c]
    return Compared(
        protocol,
        [found.columns[c] for c in chosen],
        differences.mean(axis=1),
        intervals.Seeds.of(differences),
        np.stack([values[:, own].mean(axis=(0, 1)) for own in others]),
    )


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
        (baseline, metric, one, b, c)
        for one in compared
        for b, baseline in enumerate(baselines)
        for c, (metric, length) in enumerate(one.columns)
        if length == k
    ]
    if not parts:
        return []
    differences = np.column_stack([one.differences[:, b, c] for *_, one, b, c in parts])
    seeds = [one.seeds.at(b, c) for *_, one, b, c in parts if one.seeds]
    found = intervals.simultaneous(differences, generator, intervals.Seeds.stack(seeds))
    return [
        Comparison(
            subject, baseline, one.protocol, metric, k,
            float(found.mean[i]), _known(found.low[i]), _known(found.high[i]),
            _known(found.detectable[i]), margin * float(one.levels[b, c]), len(differences),
            _known(found.seed_share[i]),
        )
        for i, (baseline, metric, one, b, c) in enumerate(parts)
    ]  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
