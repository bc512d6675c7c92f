"""Format the figures of the evaluation as tables of text. `findings` says what they mean.

Figures are rounded to the printed decimals before any comparison, so that a reader who checks the
report's best marks by hand finds them right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ncf_assets.ncf.evaluation import segments
from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.ncf.evaluation.summary import Metric
from ncf_assets.ncf.models import CHANCE
from ncf_assets.report.data import DiversityRow, model_name
from ncf_assets.report.protocol import Protocol, label, protocols_of
from ncf_assets.report.text_table import MISSING, TextTable

METRICS = ("hr", "ndcg", "mrr", "auc")
METRICS_OF_SEVERAL = ("hr", "ndcg", "recall", "precision", "map", "auc")  # held-out items of a user
DIVERSITY = {  # metric -> name, decimals
    "coverage": ("Coverage", 3),
    "novelty": ("Novelty", 2),
    "gini": ("Gini index", 3),
    "popularity": ("Popularity", 3),
    "overlap": ("Overlap", 3),
}


@dataclass(frozen=True)
class Scores:
    """All models' figures over all users by one protocol, by (model, metric), with their labels."""

    protocol: Protocol
    labels: Mapping[str, str]
    rows: Mapping[tuple[str, str], Metric]

    def get(self, model: str, metric: str) -> Metric | None:
        """Return a model's row, or None where it has no such figure."""
        return self.rows.get((model, metric))


@dataclass(frozen=True)
class Cell:
    """One figure with its 95 % interval; `low`, `middle`, `high` are percent of the bar's width."""

    value: str
    interval: str
    best: bool
    low: float
    middle: float
    high: float


def read_scores(rows: Sequence[Metric]) -> list[Scores]:
    """Return the figures over all users at k = 10, a `Scores` per protocol, the full one first."""
    rows = [row for row in rows if row.segment == segments.ALL]
    k = headline_k(row.k for row in rows)
    shown = [row for row in rows if row.k in (0, k)]  # 0: the metric has no list length
    return [_scores(protocol, shown, k) for protocol in protocols_of(row.protocol for row in rows)]


def _scores(protocol: Protocol, rows: Sequence[Metric], k: int) -> Scores:
    own = [_rounded(row, protocol) for row in rows if row.protocol == protocol.name]
    known = {row.metric for row in own}
    wanted = METRICS_OF_SEVERAL if _several(own) else METRICS
    labels = {m: label(m, 0 if m == "auc" else k) for m in wanted if m in known}
    return Scores(protocol, labels, {(row.model, row.metric): row for row in own})


def _several(rows: Sequence[Metric]) -> bool:
    """Return whether users have several held-out items, as recall then is not the hit ratio."""
    hr, recall = ({r.model: r.value for r in rows if r.metric == m} for m in ("hr", "recall"))
    return any(recall.get(model, value) != value for model, value in hr.items())


def _rounded(row: Metric, protocol: Protocol) -> Metric:
    names = ("value", "ci_low", "ci_high")
    known = {name: value for name in names if (value := getattr(row, name)) is not None}
    return replace(row, **{name: round(value, protocol.decimals) for name, value in known.items()})


def models_of(scores: Scores) -> list[str]:
    """Return the models, best NDCG first, then best HR, then by name."""

    def order(model: str) -> tuple[float, float, str]:
        ndcg, hr = scores.get(model, "ndcg"), scores.get(model, "hr")
        return (-ndcg.value if ndcg else 1.0, -hr.value if hr else 1.0, model)

    return sorted({model for model, _ in scores.rows}, key=order)


def score_table(scores: Scores) -> list[tuple[str, dict[str, Cell | None]]]:
    """Return per model its name and, by metric label, its cell, or None where it has no figure."""
    columns = {text: _column(scores, metric) for metric, text in scores.labels.items()}
    return [
        (model_name(model), {text: column.get(model) for text, column in columns.items()})
        for model in models_of(scores)
    ]


def _column(scores: Scores, metric: str) -> dict[str, Cell]:
    rows = [row for (_, name), row in scores.rows.items() if name == metric]
    best = max((row.value for row in rows), default=0.0)
    # zeros alone keep a scale
    full = max((row.ci_high or row.value for row in rows), default=0.0) or 1.0
    return {row.model: _cell(row, scores.protocol, best, full) for row in rows}


def _cell(row: Metric, protocol: Protocol, best: float, full: float) -> Cell:
    ends = (row.value if end is None else end for end in (row.ci_low, row.value, row.ci_high))
    low, middle, high = (round(100 * end / full, 1) for end in ends)
    best_one = row.value == best
    return Cell(protocol.shown(row.value), interval(row, protocol), best_one, low, middle, high)


def interval(row: Metric, protocol: Protocol) -> str:
    """Return the interval of a figure as it is printed."""
    if row.ci_low is None or row.ci_high is None:
        return MISSING
    return f"{protocol.shown(row.ci_low)} to {protocol.shown(row.ci_high)}"


def sampling_table(scores: Sequence[Scores]) -> TextTable:
    """Return sampled, corrected and exact figures of HR and NDCG side by side.

    The table is empty without corrected figures, as there is then nothing to compare.
    """
    if not any(one.protocol.corrected for one in scores):
        return TextTable()
    order = sorted(scores, key=lambda one: (one.protocol.negatives is None, one.protocol.corrected))
    columns = [(one, metric) for metric in ("hr", "ndcg") for one in order if metric in one.labels]
    heads = [f"{one.labels[metric]} {one.protocol.name}" for one, metric in columns]
    models = models_of(scores[0])
    rows = [[model_name(m), *(_text(one, m, metric) for one, metric in columns)] for m in models]
    return TextTable(["Model", *heads], rows)


def _text(scores: Scores, model: str, metric: str) -> str:
    row = scores.get(model, metric)
    return scores.protocol.shown(row.value) if row else MISSING


def tie_table(scores: Sequence[Scores]) -> TextTable:
    """Return the figures that ties can change, with all of them lost and with all won."""
    rows = [
        (model_name(model), one.protocol.name, one.labels[metric], *bounds)
        for one in scores
        if not one.protocol.corrected
        for model in models_of(one)
        if model != CHANCE  # which is all ties
        for metric in ("hr", "ndcg")
        if (bounds := _bounds(one, model, metric)) and bounds[0] != bounds[1]
    ]
    return TextTable(
        ("Model", "Protocol", "Metric", "All ties lost", "All ties won"), rows, names=3
    )


def _bounds(scores: Scores, model: str, metric: str) -> tuple[str, str] | None:
    lost = scores.get(model, f"{metric}_pessimistic")
    won = scores.get(model, f"{metric}_optimistic")
    shown = scores.protocol.shown
    return (shown(lost.value), shown(won.value)) if lost and won else None


def diversity_table(rows: Sequence[DiversityRow]) -> TextTable:
    """Return the diversity of each model's recommendations, at k = 10 or the longest list."""
    k = headline_k(row.k for row in rows)
    found = {(row.model, row.metric): row.value for row in rows if row.k == k}
    models = sorted({model for model, _ in found})
    heads = ["Model", *(f"{name}@{k}" for name, _ in DIVERSITY.values())]
    return TextTable(heads, [[model_name(model), *_spread(found, model)] for model in models])


def _spread(found: Mapping[tuple[str, str], float], model: str) -> list[str]:
    values = [(found.get((model, metric)), digits) for metric, (_, digits) in DIVERSITY.items()]
    return [MISSING if value is None else f"{value:.{digits}f}" for value, digits in values]
