"""Plot the models' ranks on all datasets of the leaderboard."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ncf_assets.report.data import model_name
from ncf_assets.report.drawing import INK, Drawing, empty_figure, style_axes, style_of

ROW, FRAME = 0.3, 1.2  # inches of a model's row, and of what surrounds the rows


def ranks_plot(ranks: Mapping[str, Sequence[int]]) -> Drawing:
    """Return the drawing of each model's ranks, the best model first, with their mean as a bar."""
    return Drawing(partial(_draw, ranks))


def _draw(ranks: Mapping[str, Sequence[int]]) -> Figure:
    figure = empty_figure(1, FRAME + ROW * len(ranks))
    ax = figure.subplots()
    for row, (model, places) in enumerate(ranks.items()):
        style = style_of(model) | {"linestyle": "", "alpha": 0.7}
        ax.plot(places, np.full(len(places), row), **style)
        ax.plot(np.mean(places), row, marker="|", markersize=16, color=INK)
    ax.set_yticks(range(len(ranks)), [model_name(model) for model in ranks])
    ax.set_ylim(len(ranks) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style_axes(ax, "Rank on each dataset, and the mean", "rank, 1 is best", "")
    return figure
