"""Training curves as SVG for the page and as PNG for Dagster's metadata. Tables are in `record`.

Figures are built with matplotlib's objects, never `pyplot`: no global figure survives a call.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import RcKeyType

from ncf_assets.ncf.report.facts import HistoryRow, model_name
from ncf_assets.ncf.report.record import by_model, chosen_epoch

SETTINGS: dict[RcKeyType, Any] = {
    "font.size": 10.0,
    "svg.fonttype": "none",  # text stays text: it scales, prints, and takes the page's font
    "svg.hashsalt": "ncf-assets",  # equal histories give equal bytes
    "text.parse_math": False,  # a model's name is never a formula
}
PANELS = (  # (column, title, unit)
    ("validation_hr_at_10", "Validation HR@10", "share of users"),
    ("validation_ndcg_at_10", "Validation NDCG@10", "mean over users"),
    ("loss", "Training loss", "binary cross-entropy"),
)
# Contrast above 3:1 on white and on the page's dark ground; dashes tell them apart without colour.
STYLES = {"neumf": ("#3b7dd8", "-"), "gmf": ("#d9730d", "--"), "mlp": ("#12977f", "-.")}
OTHER_STYLE = ("#8b6fc0", ":")
INK = "#010203"  # stands for the page's text colour until the SVG is written
PNG_INK, PNG_DPI = "#333333", 90


def training_curve_svg(history: Sequence[HistoryRow]) -> str:
    """Return the curves as an `<svg>` element that takes its text colour from the page.

    The empty string stands for a history without a single value. Equal input gives equal text.
    """
    if not _panels(history):
        return ""
    buffer, nothing = BytesIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context(SETTINGS):
        _draw(history, INK).savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue().decode()
    return text[text.index("<svg") :].replace(INK, "currentColor")  # no XML prologue inside HTML


def training_curve_png(history: Sequence[HistoryRow]) -> bytes:
    """Return the curves as a PNG image on white, under 100 kB; a note if there are none."""
    buffer = BytesIO()
    with rc_context(SETTINGS):
        _draw(history, PNG_INK).savefig(buffer, format="png", dpi=PNG_DPI, facecolor="white")
    return buffer.getvalue()


def _panels(history: Sequence[HistoryRow]) -> list[tuple[str, str, str]]:
    """Return the panels that have at least one value to show."""
    return [p for p in PANELS if any(getattr(row, p[0]) is not None for row in history)]


def _draw(history: Sequence[HistoryRow], ink: str) -> Figure:
    panels = _panels(history)
    figure = Figure(figsize=(3.6 * max(len(panels), 1), 3.4), layout="constrained")
    if not panels:
        figure.text(0.5, 0.5, "No training history", ha="center", va="center", color=ink)
        return figure
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True)[0]
    for panel, ax in zip(panels, axes, strict=True):
        _draw_panel(ax, panel, history, ink)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=6, frameon=False, labelcolor=ink
    )
    return figure


def _draw_panel(
    ax: Axes, panel: tuple[str, str, str], history: Sequence[HistoryRow], ink: str
) -> None:
    column, title, unit = panel
    for model, rows in by_model(history).items():
        _draw_curve(ax, column, model, rows)
    ax.plot([], [], "o", color=ink, markerfacecolor="none", markersize=8, label="chosen epoch")
    ax.set_title(title, color=ink, fontsize=11, loc="left")
    ax.set_xlabel("epoch (0 = before training)", color=ink)
    ax.set_ylabel(unit, color=ink)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(colors=ink)
    ax.grid(color=ink, alpha=0.15, linewidth=0.6)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=ink, alpha=0.5)


def _draw_curve(ax: Axes, column: str, model: str, rows: Sequence[HistoryRow]) -> None:
    points = [(row.epoch, getattr(row, column)) for row in rows]
    points = [(epoch, value) for epoch, value in points if value is not None]
    color, dashes = STYLES.get(model, OTHER_STYLE)
    ax.plot(
        [epoch for epoch, _ in points],
        [value for _, value in points],
        dashes,
        color=color,
        label=model_name(model),
        linewidth=1.8,
        marker=".",
    )
    chosen = chosen_epoch(rows)
    ring = [(epoch, value) for epoch, value in points if chosen and epoch == chosen.epoch]
    for epoch, value in ring:
        ax.plot(epoch, value, "o", color=color, markerfacecolor="none", markersize=9)
