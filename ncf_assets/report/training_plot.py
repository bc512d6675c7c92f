"""Plot training curves: validation figures and loss by epoch.

Their table is in `epochs`, and the colors and lines of all plots are in `drawing`.
"""

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from ncf_assets.report.data import HistoryRow, model_name
from ncf_assets.report.drawing import INK, Drawing, empty_figure, legend, style_axes, style_of
from ncf_assets.report.epochs import by_model, chosen_epoch

PANELS = (  # (column, title, unit)
    ("validation_hr_at_10", "Validation HR@10", "share of users"),
    ("validation_ndcg_at_10", "Validation NDCG@10", "mean over users"),
    ("loss", "Training loss", "softmax or cross-entropy"),
)


def training_plot(history: Sequence[HistoryRow]) -> Drawing | None:
    """Return the drawing of all curves; None for a history without a single value."""
    panels = [p for p in PANELS if any(getattr(row, p[0]) is not None for row in history)]
    return Drawing(partial(_draw, history, panels)) if panels else None


def _draw(history: Sequence[HistoryRow], panels: list[tuple[str, str, str]]) -> Figure:
    figure = empty_figure(len(panels), 3.4)
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True)[0]
    for (column, title, unit), ax in zip(panels, axes, strict=True):
        for model, rows in by_model(history).items():
            _draw_curve(ax, column, model, rows)
        ax.plot(
            [],
            [],
            "o",
            color=INK,
            markerfacecolor="none",
            markersize=9,
            label="chosen epoch",
        )
        style_axes(ax, title, "epoch (0 = before training)", unit)
        if column == "loss":
            ax.set_yscale("log")  # the losses are of different kinds and sizes
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.tick_params(which="minor", colors=INK)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes[0])
    return figure


def _draw_curve(ax: Axes, column: str, model: str, rows: Sequence[HistoryRow]) -> None:
    points = [(row.epoch, getattr(row, column)) for row in rows]
    points = [(epoch, value) for epoch, value in points if value is not None]
    style = style_of(model) | {"markersize": 3}
    ax.plot(*_columns(points), label=model_name(model), **style)
    chosen = chosen_epoch(rows)
    ring = [point for point in points if chosen and point[0] == chosen.epoch]
    ax.plot(*_columns(ring), "o", color=style["color"], markerfacecolor="none", markersize=10)


def _columns(points: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [epoch for epoch, _ in points], [value for _, value in points]
