"""How any plot looks, and how it becomes SVG for the page or PNG for Dagster's metadata.

Figures are built with matplotlib's objects, never `pyplot`: no global figure survives a call. What
is in them is in `training_plot`, `length_plot` and `segment_plot`.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType
from PIL import Image

Draw = Callable[[str], Figure]  # of the colour of text and axes

SETTINGS: dict[RcKeyType, Any] = {
    "font.size": 10.0,
    "svg.fonttype": "none",  # text stays text: it scales, prints, and takes the page's font
    "svg.hashsalt": "ncf-assets",  # equal facts give equal bytes
    "text.parse_math": False,  # a model's name is never a formula
}
# Contrast above 3:1 on white and on the page's dark ground (a test holds it); dashes and markers
# tell them apart without colour.
STYLES: dict[str, dict[str, Any]] = {
    "neumf": {"color": "#3b7dd8", "linestyle": "-", "marker": "o", "linewidth": 2.6, "zorder": 5},
    "gmf": {"color": "#d9730d", "linestyle": "--", "marker": "s"},
    "mlp": {"color": "#12977f", "linestyle": "-.", "marker": "^"},
    "ials": {"color": "#8b6fc0", "linestyle": "-", "marker": "D"},
    "ease": {"color": "#d6457a", "linestyle": "--", "marker": "v"},
    "itemknn": {"color": "#96803a", "linestyle": "-.", "marker": "P"},
    "popularity": {"color": "#7b8491", "linestyle": "-", "marker": "X"},
    "random": {"color": "#7b8491", "linestyle": ":", "marker": "x"},
}
OTHER_STYLE = {"color": "#b0642f", "linestyle": ":", "marker": "*"}
LINE = {"linewidth": 1.5, "markersize": 4.5}
INK = "#010203"  # stands for the page's text colour until the SVG is written
PNG_INK, PNG_DPI = "#333333", 90
PNG_COLORS = 64  # a third of the bytes, and no difference to be seen


def style_of(model: str) -> dict[str, Any]:
    """Return how matplotlib draws a model's line, the same in every plot."""
    return LINE | STYLES.get(model, OTHER_STYLE)


def svg(draw: Draw) -> str:
    """Return a drawing as an `<svg>` element that takes its text colour from the page."""
    buffer, nothing = BytesIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context(SETTINGS):
        draw(INK).savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue().decode()
    return text[text.index("<svg") :].replace(INK, "currentColor")  # no XML prologue inside HTML


def png(draw: Draw) -> bytes:
    """Return a drawing as a PNG image on white, under 100 kB."""
    buffer = BytesIO()
    with rc_context(SETTINGS):
        draw(PNG_INK).savefig(buffer, format="png", dpi=PNG_DPI, facecolor="white")
    small = BytesIO()
    Image.open(buffer).convert("RGB").quantize(PNG_COLORS).save(small, "png", optimize=True)
    return small.getvalue()


def blank(columns: int, height: float) -> Figure:
    """Return an empty figure with room for this many panels beside each other; inches."""
    return Figure(figsize=(max(3.6 * columns, 7.2), height), layout="constrained")


def dress(ax: Axes, title: str, x: str, y: str, ink: str) -> None:
    """Give a panel its title, its axes' names, and a quiet grid."""
    ax.set_title(title, color=ink, fontsize=11, loc="left")
    ax.set_xlabel(x, color=ink)
    ax.set_ylabel(y, color=ink)
    ax.tick_params(colors=ink)
    ax.grid(color=ink, alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=ink, alpha=0.5)


def legend(figure: Figure, ax: Axes, ink: str) -> None:
    """Put one panel's names below all panels."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=8, frameon=False, labelcolor=ink,
        handlelength=2.6, columnspacing=1.4,
    )  # fmt: skip
