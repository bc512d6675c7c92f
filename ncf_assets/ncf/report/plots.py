"""The plots of the report, in reading order. Each is drawn once as SVG and once as PNG."""

from collections.abc import Iterator
from dataclasses import dataclass

from ncf_assets.ncf.report import drawing
from ncf_assets.ncf.report.epochs import epoch_table
from ncf_assets.ncf.report.facts import Facts
from ncf_assets.ncf.report.length_plot import length_panels, length_plot, length_table
from ncf_assets.ncf.report.segment_plot import AXES, segment_panels, segment_plot, segment_table
from ncf_assets.ncf.report.text_table import TextTable
from ncf_assets.ncf.report.training_plot import training_plot

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
    draw: drawing.Draw
    figures: TextTable

    def svg(self) -> str:
        """The drawing as an element of the page."""
        return drawing.svg(self.draw)

    def png(self) -> bytes:
        """The drawing as an image for Dagster."""
        return drawing.png(self.draw)


def plots(facts: Facts) -> list[Plot]:
    """Return the plots that there are figures for."""
    return list(_plots(facts))


def _plots(facts: Facts) -> Iterator[Plot]:
    if draw := training_plot(facts.history):
        yield Plot("Training", TRAINING, draw, epoch_table(facts.history))
    lengths = length_panels(facts.metrics)
    if draw := length_plot(lengths):
        yield Plot("By length of the list", LENGTH, draw, length_table(lengths))
    for kind, title in TITLES.items():
        panels = segment_panels(facts.metrics, kind)
        if draw := segment_plot(panels, kind):
            yield Plot(title, SEGMENTS.format(AXES[kind]), draw, segment_table(panels))
