"""What a search tried: validation NDCG@10 by trial and by setting."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ncf_assets.ncf.report.drawing import Draw, blank, dress, style_of

BY_MAGNITUDE = ("learning_rate", "l2")


def tuning_plot(settings: Mapping[str, Sequence[float]], ndcg: Sequence[float]) -> Draw:
    """Return the drawing of complete trials: `settings` of each by name, `ndcg` of each."""
    return partial(_draw, settings, ndcg)


def _draw(settings: Mapping[str, Sequence[float]], ndcg: Sequence[float], ink: str) -> Figure:
    figure, style = blank(1 + len(settings), 3.0), style_of("neumf") | {"linestyle": ""}
    first, *others = figure.subplots(1, 1 + len(settings), sharey=True)
    first.plot(ndcg, label="trial", **style)
    first.step(range(len(ndcg)), np.maximum.accumulate(ndcg), where="post", color=ink, alpha=0.5)
    dress(first, "By trial", "complete trials, in order", "validation NDCG@10", ink)
    first.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax, (name, values) in zip(others, settings.items(), strict=True):
        ax.plot(values, ndcg, **style)
        ax.set_xscale("log" if name in BY_MAGNITUDE else "linear")
        dress(ax, name.replace("_", " "), name, "", ink)
    return figure
