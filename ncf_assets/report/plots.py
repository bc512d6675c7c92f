"""List the plots of the report in reading order, each with its title, caption and figures.

They are drawn in `training_plot`, `cutoff_plot` and `segment_plot`; `drawing` writes SVG and PNG.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ncf_assets.report.cutoff_plot import cutoff_panels, cutoff_plot, cutoff_table
from ncf_assets.report.data import ReportData
from ncf_assets.report.drawing import Drawing
from ncf_assets.report.epochs import epoch_table
from ncf_assets.report.segment_plot import AXES, segment_panels, segment_plot, segment_table
from ncf_assets.report.text_table import TextTable
from ncf_assets.report.training_plot import training_plot

TRAINING = (
    "Validation figures and loss by epoch. A ring marks the chosen epoch, the one with the highest"
    " validation NDCG@10."
)
LENGTH = "Means over all test users. The tables above have the intervals at one length."
SEGMENTS = (
    "Means over the test users of each part, with 95 % intervals, by the number of {}. Models stand"
    " side by side, the best over all parts on the left."
)
TITLES = {"history": "By length of the user's history", "popularity": "By popularity of the item"}


@dataclass(frozen=True)
class Plot:
    """A drawing with its name, the sentence below it, and the figures that are drawn."""

    title: str
    caption: str
    drawing: Drawing
    figures: TextTable

    def svg(self) -> str:
        """Return the drawing as an element of the page."""
        return self.drawing.svg()

    def png(self) -> bytes:
        """Return the drawing as an image for Dagster."""
        return self.drawing.png()


def plots(data: ReportData) -> list[Plot]:
    """Return the plots that have figures to draw."""
    return list(_plots(data))


def _plots(data: ReportData) -> Iterator[Plot]:
    if drawing := training_plot(data.history):
        yield Plot("Training", TRAINING, drawing, epoch_table(data.history))
    lengths = cutoff_panels(data.metrics)
    if drawing := cutoff_plot(lengths):
        yield Plot("By length of the list", LENGTH, drawing, cutoff_table(lengths))
    for kind, title in TITLES.items():
        panels = segment_panels(data.metrics, kind)
        if drawing := segment_plot(panels, kind):
            yield Plot(title, SEGMENTS.format(AXES[kind]), drawing, segment_table(panels))
