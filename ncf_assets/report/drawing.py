"""Style every plot alike, and write it as SVG for the page or as PNG for Dagster's metadata.

Figures are built with matplotlib's objects, never `pyplot`: no global figure survives a call. Their
content is drawn in the modules `*_plot`.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType
from PIL import Image

SETTINGS: dict[RcKeyType, Any] = {
    "font.size": 10.0,
    "svg.fonttype": "none",  # text stays text: it scales, prints, and takes the page's font
    "svg.hashsalt": "ncf-assets",  # equal data give equal bytes
    "text.parse_math": False,  # a model's name is never a formula
}
# Each color has a contrast above 3:1 on white and on the page's dark ground (a test checks it);
# dashes and markers distinguish the models without color.
STYLES: dict[str, dict[str, Any]] = {
    "neumf": {"color": "#3b7dd8", "linestyle": "-", "marker": "o", "linewidth": 2.6, "zorder": 5},
    "neumf_scratch": {"color": "#a07d0a", "linestyle": ":", "marker": "o"},
    "blend": {"color": "#5c6a1f", "linestyle": "-", "marker": "h"},
    "gmf": {"color": "#d9730d", "linestyle": "--", "marker": "s"},
    "mlp": {"color": "#12977f", "linestyle": "-.", "marker": "^"},
    "ials": {"color": "#8b6fc0", "linestyle": "-", "marker": "D"},
    "ease": {"color": "#d6457a", "linestyle": "--", "marker": "v"},
    "itemknn": {"color": "#96803a", "linestyle": "-.", "marker": "P"},
    "bm25": {"color": "#b0642f", "linestyle": "--", "marker": "8"},
    "slist": {"color": "#5a8f3c", "linestyle": "-", "marker": "1"},
    "rp3beta": {"color": "#2f8fb0", "linestyle": ":", "marker": "H"},
    "popularity": {"color": "#7b8491", "linestyle": "-", "marker": "X"},
    "random": {"color": "#7b8491", "linestyle": ":", "marker": "x"},
}
# models from outside, whose markers follow from their names, so that two of them rarely look alike
OTHER_STYLE = {"color": "#c04a3a", "linestyle": ":"}
OTHER_MARKERS = "*dp<>"
LINE = {"linewidth": 1.5, "markersize": 4.5}
INK = "#010203"  # of text and axes; in the SVG it becomes the page's color of text
PNG_DPI = 90
PNG_COLORS = 64  # a third of the bytes, and no difference to be seen


def style_of(model: str) -> dict[str, Any]:
    """Return matplotlib's style of a model's line, the same in every plot."""
    marker = OTHER_MARKERS[zlib.crc32(model.encode()) % len(OTHER_MARKERS)]
    return LINE | STYLES.get(model, OTHER_STYLE | {"marker": marker})


@dataclass(frozen=True)
class Drawing:
    """A figure, which `draw` draws when it is first written. Its layout takes most of the time."""

    draw: Callable[[], Figure]

    @cached_property
    def _figure(self) -> Figure:
        with rc_context(SETTINGS):
            figure = self.draw()
            figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out
        return figure

    def svg(self) -> str:
        """Return the figure as an `<svg>` element that takes its text color from the page."""
        buffer, nothing = BytesIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with rc_context(SETTINGS):
            self._figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
        text = buffer.getvalue().decode()
        element = text[text.index("<svg") :]  # no XML prologue inside HTML
        return element.replace(INK, "currentColor")

    def png(self) -> bytes:
        """Return the figure as a PNG image on white, under 100 kB."""
        buffer = BytesIO()
        with rc_context(SETTINGS):
            self._figure.savefig(buffer, format="png", dpi=PNG_DPI, facecolor="white")
        small = BytesIO()
        Image.open(buffer).convert("RGB").quantize(PNG_COLORS).save(small, "png", optimize=True)
        return small.getvalue()


def empty_figure(columns: int, height: float) -> Figure:
    """Return an empty figure with room for so many panels in a row; `height` is in inches."""
    return Figure(figsize=(max(3.6 * columns, 7.2), height), layout="constrained")


def style_axes(ax: Axes, title: str, x: str, y: str) -> None:
    """Give a panel its title, the names of its axes, and a faint grid."""
    ax.set_title(title, color=INK, fontsize=11, loc="left")
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)
    ax.tick_params(colors=INK)
    ax.grid(color=INK, alpha=0.15, linewidth=0.6)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=INK, alpha=0.5)


def legend(figure: Figure, ax: Axes) -> None:
    """Put one panel's names below all panels."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=8, frameon=False, labelcolor=INK,
        handlelength=2.6, columnspacing=1.4,
    )  # fmt: skip
