"""Plot HR@k and NDCG@k against k, the length of the list, for each protocol.

The colors and lines of all plots are in `drawing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ncf_assets.ncf.evaluation import segments
from ncf_assets.ncf.evaluation.summary import Metric
from ncf_assets.report.data import model_name
from ncf_assets.report.drawing import Drawing, empty_figure, legend, style_axes, style_of
from ncf_assets.report.protocol import LABELS, Protocol, protocols_of
from ncf_assets.report.text_table import MISSING, TextTable

METRICS = ("hr", "ndcg")


@dataclass(frozen=True)
class Panel:
    """One metric by one protocol: k and value per model, the best at the longest list first."""

    protocol: Protocol
    metric: str
    curves: dict[str, list[tuple[int, float]]]

    @property
    def title(self) -> str:
        """A title such as `HR@k among all unseen items`."""
        return f"{LABELS[self.metric]}@k {self.protocol.among}"


def cutoff_panels(metrics: Sequence[Metric]) -> list[Panel]:
    """Return the panels to draw: none if all figures are of one length of list."""
    rows = [row for row in metrics if row.segment == segments.ALL and row.metric in METRICS]
    if len({row.k for row in rows}) < 2:
        return []
    protocols = [p for p in protocols_of(row.protocol for row in rows) if not p.corrected]
    panels = [Panel(p, metric, _curves(rows, p, metric)) for p in protocols for metric in METRICS]
    return [panel for panel in panels if panel.curves]


def _curves(
    rows: Sequence[Metric], protocol: Protocol, metric: str
) -> dict[str, list[tuple[int, float]]]:
    own = [row for row in rows if (row.protocol, row.metric) == (protocol.name, metric)]
    own.sort(key=lambda row: (-row.k, -row.value))
    models = dict.fromkeys(row.model for row in own)
    return {m: sorted((row.k, row.value) for row in own if row.model == m) for m in models}


def cutoff_table(panels: Sequence[Panel]) -> TextTable:
    """Return the curves as figures: a row for each model and panel, a column for each k."""
    ks = sorted({k for panel in panels for curve in panel.curves.values() for k, _ in curve})
    rows = []
    for panel in panels:
        for model, curve in panel.curves.items():
            shown = {k: panel.protocol.shown(value) for k, value in curve}
            rows.append([panel.title, model_name(model), *(shown.get(k, MISSING) for k in ks)])
    return TextTable(["Metric", "Model", *(f"k = {k}" for k in ks)], rows, names=2)


def cutoff_plot(panels: Sequence[Panel]) -> Drawing | None:
    """Return the drawing of all panels, two in a row."""
    return Drawing(partial(_draw, panels)) if panels else None


def _draw(panels: Sequence[Panel]) -> Figure:
    rows = (len(panels) + 1) // 2
    figure = empty_figure(3, 3.0 * rows + 0.4)
    axes = figure.subplots(rows, 2, squeeze=False, sharex=True).ravel()
    for panel, ax in zip(panels, axes, strict=False):
        _draw_panel(ax, panel)
        style_axes(ax, panel.title, "k, length of the list" if ax in axes[-2:] else "", "")
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    legend(figure, axes[0])
    return figure


def _draw_panel(ax: Axes, panel: Panel) -> None:
    for model, curve in panel.curves.items():
        ks, values = [k for k, _ in curve], [value for _, value in curve]
        ax.plot(ks, values, label=model_name(model), **style_of(model))
    ax.set_ylim(bottom=0)
    ax.set_xticks(sorted({k for curve in panel.curves.values() for k, _ in curve}))
