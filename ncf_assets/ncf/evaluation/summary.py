"""Average the models' metrics over users and segments, with intervals, and compare the models.

`user_metrics` has the metrics of each user's rank, `segments` the members of a segment, `totals`
what is added up over users, and `intervals` the statistics.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ncf_assets.ncf.evaluation import intervals
from ncf_assets.ncf.evaluation.segments import ALL
from ncf_assets.ncf.evaluation.totals import Totals
from ncf_assets.ncf.evaluation.user_metrics import UserMetrics
from ncf_assets.ncf.random_streams import rng

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
    blocks: Iterable[Mapping[str, UserMetrics]],
    segments: Mapping[str, np.ndarray],
    subject: str,
    margin: float,
    seed: int,
) -> Summary:
    """Return the means of every segment, and the differences of `subject` to each other model.

    `trainings` are the model and the seed of each axis of the metrics, of which a model has one, or
    as many as any other that has several. `blocks` are the metrics of the next users by protocol;
    together they are the users of `segments`. The differences are over all users. `margin` is the
    share of a baseline's figure below which a difference counts as none.
    """
    totals = Totals(trainings, subject)
    first = 0
    for block in blocks:
        last = first + len(next(iter(block.values())).values)
        totals.add(block, {name: members[first:last] for name, members in segments.items()})
        first = last
    return Summary(
        list(_means(totals)),
        list(_of_seeds(trainings, totals)),
        [
            row
            for k in sorted(totals.differences)
            for row in _comparisons(totals, subject, k, margin, rng(seed, f"intervals at {k}"))
        ],
    )


def _means(totals: Totals) -> Iterator[Metric]:
    """Yield the rows of all segments."""
    for (protocol, segment), found in totals.figures.items():
        mean = found.users.mean
        low = high = deviation = np.full_like(mean, np.nan)
        if not totals.estimated[protocol]:
            low, high = intervals.of_means(found)
        if totals.n_seeds > 1:
            deviation = found.seed_means.std(axis=0, ddof=1)
        for i, (model, own) in enumerate(totals.axes.items()):
            for c, (metric, k) in enumerate(totals.columns[protocol]):
                yield Metric(
                    model, protocol, segment, metric, k,
                    float(mean[i, c]), _known(low[i, c]), _known(high[i, c]), found.users.n,
                    len(own), _known(deviation[i, c]) if len(own) > 1 else None,
                )  # fmt: skip


def _of_seeds(trainings: Sequence[tuple[str, int]], totals: Totals) -> Iterator[SeedMetric]:
    """Yield the rows of the models that have several seeds."""
    for protocol, columns in totals.columns.items():
        found = totals.figures[protocol, ALL]
        for i, (model, own) in enumerate(totals.axes.items()):
            if len(own) > 1:
                for axis, of_seed in zip(own, found.seed_means[:, i], strict=True):
                    for (metric, k), value in zip(columns, of_seed, strict=True):
                        yield SeedMetric(
                            model, trainings[axis][1], protocol, metric, k, float(value)
                        )


def _comparisons(
    totals: Totals, subject: str, k: int, margin: float, generator: np.random.Generator
) -> Iterator[Comparison]:
    """Yield all rows of one length of list, whose intervals hold together."""
    of_users = totals.differences[k]
    found = intervals.simultaneous(of_users, generator)
    models = list(totals.axes)
    for i, (protocol, other, column) in enumerate(totals.compared(k)):
        level = totals.figures[protocol, ALL].users.mean[other, column]
        yield Comparison(
            subject, models[other], protocol, totals.columns[protocol][column][0], k,
            float(found.mean[i]), _known(found.low[i]), _known(found.high[i]),
            _known(found.detectable[i]), margin * float(level), of_users.users.n,
            _known(found.seed_share[i]),
        )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
