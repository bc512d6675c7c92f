"""The figures of the evaluation as tables of text. What they mean in words is in `findings`.

Figures are rounded to the three decimals that are shown before anything is compared, so that a
reader who checks the report's differences, best marks and overlaps by hand finds them right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ncf_assets.ncf.report.facts import MetricRow, model_name
from ncf_assets.ncf.report.protocol import Protocol, protocol_of

DECIMALS = 3
PAPER_K = 10  # He et al. 2017, section 4.1


@dataclass(frozen=True)
class Scores:
    """The rows that the report shows, by (model, metric); without any there is no protocol."""

    protocol: Protocol | None
    rows: Mapping[tuple[str, str], MetricRow]

    @property
    def labels(self) -> Mapping[str, str]:
        """The columns' heads by metric: `HR@10`; empty without figures."""
        return self.protocol.labels if self.protocol else {}

    def get(self, model: str, metric: str) -> MetricRow | None:
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


@dataclass(frozen=True)
class TieRow:
    """One model's figures if all its ties were lost, and if all were won, per metric label."""

    model: str
    lost_and_won: Mapping[str, tuple[str, str] | None]


def read_scores(rows: Sequence[MetricRow]) -> Scores:
    """Return the rows over all users, rounded, of one `sampled-<n>` and the k nearest to 10.

    Rows of further protocols or other k are not shown yet.
    """
    made = [(protocol, row) for row in rows if (protocol := protocol_of(row))]
    protocols = [protocol for protocol, _ in made if protocol.k]
    shown = min(protocols, key=lambda protocol: abs(protocol.k - PAPER_K), default=None)
    figures = [_rounded(row) for protocol, row in made if protocol == shown]
    return Scores(shown, {(row.model, row.metric): row for row in figures})


def _rounded(row: MetricRow) -> MetricRow:
    shown = {name: round(getattr(row, name), DECIMALS) for name in ("value", "ci_low", "ci_high")}
    return replace(row, **shown)


def models_of(scores: Scores) -> list[str]:
    """Return the models, best NDCG first, then best HR, then by name."""

    def order(model: str) -> tuple[float, float, str]:
        ndcg, hr = scores.get(model, "ndcg"), scores.get(model, "hr")
        return (-ndcg.value if ndcg else 1.0, -hr.value if hr else 1.0, model)

    return sorted({model for model, _ in scores.rows}, key=order)


def score_table(scores: Scores) -> list[tuple[str, dict[str, Cell | None]]]:
    """Return per model its name and, by metric label, its cell, or None where it has no figure."""
    columns = {label: _column(scores, metric) for metric, label in scores.labels.items()}
    return [
        (model_name(model), {label: column.get(model) for label, column in columns.items()})
        for model in models_of(scores)
    ]


def _column(scores: Scores, metric: str) -> dict[str, Cell]:
    rows = [row for (_, name), row in scores.rows.items() if name == metric]
    best = max((row.value for row in rows), default=0.0)
    highest = max((row.ci_high for row in rows), default=0.0)
    full = highest or 1.0  # an all-zero column keeps a scale
    return {row.model: _cell(row, best, full) for row in rows}


def _cell(row: MetricRow, best: float, full: float) -> Cell:
    low, middle, high = (round(100 * end / full, 1) for end in (row.ci_low, row.value, row.ci_high))
    interval = f"{decimals(row.ci_low)} to {decimals(row.ci_high)}"
    return Cell(decimals(row.value), interval, row.value == best, low, middle, high)


def tie_table(scores: Scores) -> list[TieRow]:
    """Return what ties can change: each model's pessimistic and optimistic figures."""
    models = [model for model in models_of(scores) if _bounds(scores, model, "hr")]
    return [
        TieRow(
            model_name(model),
            {label: _bounds(scores, model, metric) for metric, label in scores.labels.items()},
        )
        for model in models
    ]


def _bounds(scores: Scores, model: str, metric: str) -> tuple[str, str] | None:
    lost = scores.get(model, f"{metric}_pessimistic")
    won = scores.get(model, f"{metric}_optimistic")
    return (decimals(lost.value), decimals(won.value)) if lost and won else None


def decimals(value: float) -> str:
    """Return a figure between 0 and 1 as it is printed: `0.631`."""
    return f"{value:.{DECIMALS}f}"


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts, an `s` unless it is one: `1 item`, `1,234 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
