"""Plot a search for settings: validation NDCG@10 by trial and by setting.

The search is in `ncf_assets.ncf.training.tuning`.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ncf_assets.report.drawing import INK, Drawing, empty_figure, style_axes, style_of

BY_MAGNITUDE = ("learning_rate", "l2")


def tuning_plot(settings: Mapping[str, Sequence[float]], ndcg: Sequence[float]) -> Drawing:
    """Return the drawing of complete trials: values of each setting by name, `ndcg` of each."""
    return Drawing(partial(_draw, settings, ndcg))


def _draw(settings: Mapping[str, Sequence[float]], ndcg: Sequence[float]) -> Figure:
    figure, style = empty_figure(1 + len(settings), 3.0), style_of("neumf") | {"linestyle": ""}
    first, *others = figure.subplots(1, 1 + len(settings), sharey=True)
    first.plot(ndcg, label="trial", **style)
    first.step(range(len(ndcg)), np.maximum.accumulate(ndcg), where="post", color=INK, alpha=0.5)
    style_axes(first, "By trial", "complete trials, in order", "validation NDCG@10")
    first.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax, (name, values) in zip(others, settings.items(), strict=True):
        ax.plot(values, ndcg, **style)
        ax.set_xscale("log" if name in BY_MAGNITUDE else "linear")
        style_axes(ax, name.replace("_", " "), name, "")
    return figure
