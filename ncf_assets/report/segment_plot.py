"""Plot NDCG by segments of the test users: by the length of their history, by item popularity.

The segments are defined in `ncf_assets.ncf.evaluation.segments`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.ncf.evaluation.segments import COLD
from ncf_assets.ncf.evaluation.summary import Metric
from ncf_assets.report.data import model_name
from ncf_assets.report.drawing import INK, Drawing, empty_figure, legend, style_axes, style_of
from ncf_assets.report.protocol import Protocol, label, protocols_of
from ncf_assets.report.text_table import MISSING, TextTable

METRIC = "ndcg"
AXES = {  # kind of segment -> the interactions that its bins count
    "history": "interactions of the user in train and validation",
    "popularity": "interactions of the (most popular) held-out item in train and validation",
}
SPREAD = 0.7  # share of a segment's width over which its models are spread


@dataclass(frozen=True)
class Panel:
    """One protocol: the row of each model and segment that has one."""

    protocol: Protocol
    k: int
    segments: list[str]
    rows: dict[tuple[str, str], Metric]  # by (model, segment)

    @property
    def models(self) -> list[str]:
        """The models in the order of their first rows."""
        return list(dict.fromkeys(model for model, _ in self.rows))

    def users(self, segment: str) -> int:
        """Return how many test users a segment has."""
        return max(row.n_users for (_, own), row in self.rows.items() if own == segment)


def segment_panels(metrics: Sequence[Metric], kind: str) -> list[Panel]:
    """Return the panels of a kind of segment, the full ranking first; none without segments."""
    rows = [row for row in metrics if row.metric == METRIC and _kind(row.segment) == kind]
    k = headline_k(row.k for row in rows)
    rows = [row for row in rows if row.k == k]
    segments = sorted({row.segment for row in rows}, key=_lowest)
    protocols = [p for p in protocols_of(row.protocol for row in rows) if not p.corrected]
    return [Panel(p, k, segments, _by_model(rows, p)) for p in protocols]


def _by_model(rows: Sequence[Metric], protocol: Protocol) -> dict[tuple[str, str], Metric]:
    own = [row for row in rows if row.protocol == protocol.name]
    total: dict[str, float] = {}
    for row in own:
        total[row.model] = total.get(row.model, 0.0) + row.value * row.n_users
    own.sort(key=lambda row: (-total[row.model], row.model))
    return {(row.model, row.segment): row for row in own}


def _kind(segment: str) -> str:
    return "popularity" if segment == COLD else segment.partition(" ")[0]


def _lowest(segment: str) -> int:
    found = re.search(r"\d+", segment)
    return int(found[0]) if found else 0  # cold: none in train and validation


def segment_name(segment: str) -> str:
    """Return a segment's name at an axis that says what is counted: `5 to 9`."""
    bounds = segment.partition(" ")[2].replace("-", " to ")
    return "0 (cold)" if segment == COLD else bounds


def segment_table(panels: Sequence[Panel]) -> TextTable:
    """Return the plot as figures: a row for each model and protocol, a column for each segment."""
    segments = list(dict.fromkeys(name for panel in panels for name in panel.segments))
    rows = []
    for panel in panels:
        for model in panel.models:
            found = [panel.rows.get((model, name)) for name in segments]
            figures = [panel.protocol.shown(row.value) if row else MISSING for row in found]
            rows.append([panel.protocol.name, model_name(model), *figures])
    heads = ["Protocol", "Model", *map(segment_name, segments)]
    return TextTable(heads, rows, names=2)


def segment_plot(panels: Sequence[Panel], kind: str) -> Drawing | None:
    """Return the drawing of a kind of segment, with one panel below the other."""
    return Drawing(partial(_draw, panels, AXES[kind])) if panels else None


def _draw(panels: Sequence[Panel], counts: str) -> Figure:
    figure = empty_figure(3, 2.9 * len(panels) + 0.4)
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True).ravel()
    for panel, ax in zip(panels, axes, strict=True):
        _draw_panel(ax, panel)
        last = ax is axes[-1]
        title = f"{label(METRIC, panel.k)} {panel.protocol.among}"
        style_axes(ax, title, counts if last else "", "")
        ax.grid(visible=False, axis="x")
    legend(figure, axes[0])
    return figure


def _draw_panel(ax: Axes, panel: Panel) -> None:
    models = panel.models
    for n, model in enumerate(models):
        shift = SPREAD * ((n + 0.5) / len(models) - 0.5)
        found = [(i, panel.rows.get((model, name))) for i, name in enumerate(panel.segments)]
        points = [(i + shift, row) for i, row in found if row]
        values = [row.value for _, row in points]
        # by rounding, the mean may lie beyond an end; few users have no interval
        below = [max(0.0, row.value - (row.ci_low or row.value)) for _, row in points]
        above = [max(0.0, (row.ci_high or row.value) - row.value) for _, row in points]
        style = style_of(model) | {"linestyle": "none", "linewidth": 1}
        ax.errorbar(
            [x for x, _ in points], values, yerr=[below, above], elinewidth=1.2,
            label=model_name(model), **style,
        )  # fmt: skip
    names = [f"{segment_name(name)}\n{panel.users(name):,} users" for name in panel.segments]
    ax.set_xticks(range(len(names)), names)
    ax.set_ylim(bottom=-0.04 * ax.get_ylim()[1])  # room for markers at 0
    for edge in range(1, len(names)):
        ax.axvline(edge - 0.5, color=INK, alpha=0.15, linewidth=0.6)
