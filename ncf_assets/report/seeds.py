"""Say and tabulate what several seeds of a network gave; figures of the page are their means."""

from collections.abc import Sequence

from ncf_assets.ncf.evaluation.summary import Metric, SeedMetric
from ncf_assets.report.data import ReportData, model_name
from ncf_assets.report.scores import Scores, models_of
from ncf_assets.report.text_table import TextTable

NOTE = (
    "Means over seeds, their standard deviation (n − 1), and each seed's own figure, the published "  # noqa: RUF001
    "model's first. Models that are fitted without randomness are left out."
)
ONE = (
    "Each network was trained with one seed. The intervals cover which users were tested, not how "
    "another initialization or another shuffling would have turned out."
)
SEVERAL = (
    "Each network was trained with {} seeds. Intervals cover which users were tested and which "
    "seeds were drawn; so few seeds say little of how far others may lie. What models would show "
    "is shown of the published ones, the first seed's."
)
METRICS = ("ndcg", "hr")


def n_seeds(metrics: Sequence[Metric]) -> int:
    """Return with how many seeds networks were trained."""
    return max((row.n_seeds for row in metrics), default=1)


def caveat(metrics: Sequence[Metric]) -> str:
    """Return what the figures can say of seeds."""
    n = n_seeds(metrics)
    return ONE if n == 1 else SEVERAL.format(n)


def seed_table(data: ReportData, scores: Sequence[Scores]) -> TextTable:
    """Return a row for each network, by the first protocol; empty with one seed."""
    if n_seeds(data.metrics) == 1:
        return TextTable()
    first = scores[0]
    labels = [first.labels[metric] for metric in METRICS]
    heads = ["Model", *(head for label in labels for head in (label, "each seed's"))]
    rows = [_row(model, first, data.seed_metrics) for model in models_of(first)]
    return TextTable(heads, [row for row in rows if row])


def _row(model: str, scores: Scores, seeds: Sequence[SeedMetric]) -> list[str]:
    """Return a network's cells; none for a model without seeds."""
    cells, shown = [model_name(model)], scores.protocol.shown
    for metric in METRICS:
        row = scores.get(model, metric)
        if row is None or row.seed_deviation is None:
            return []
        own = [
            shown(one.value)
            for one in sorted(seeds, key=lambda one: one.seed)
            if (one.model, one.protocol, one.metric, one.k) == (model, row.protocol, metric, row.k)
        ]
        cells += [f"{shown(row.value)} ± {shown(row.seed_deviation)}", ", ".join(own)]
    return cells
