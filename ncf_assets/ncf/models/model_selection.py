"""Choose the settings that do best on validation, for models that are fitted in one step.

Networks are trained epoch by epoch, and `training.loop` chooses among their epochs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from ncf_assets.ncf.evaluation import metrics, ranking

K = 10  # He et al. 2017, section 4.1: settings are chosen by NDCG@10


class Scoring(Protocol):
    """A fitted model."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items, as a `ranking.BlockScorer` does."""


Model = TypeVar("Model", bound=Scoring)
Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Selection(Generic[Model, Settings]):
    """The model that was best on validation; its NDCG@10 is None without validation."""

    model: Model
    settings: Settings
    ndcg: float | None


def fit_best(
    fit: Callable[[Settings], Model],
    choices: Sequence[Settings],
    users: np.ndarray,
    candidates: np.ndarray,
    n_items: int,
) -> Selection[Model, Settings]:
    """Fit with each of `choices` and return the best on validation, the first of equals.

    Validation `users` [m] and `candidates` [m, 1 + c], the held-out item at column 0, may be
    empty: then the first choice is returned. Raise ValueError without choices.
    """
    best: Selection[Model, Settings] | None = None
    for settings in choices if users.size else choices[:1]:
        model = fit(settings)
        ndcg = _ndcg(model, users, candidates, n_items)
        if best is None or (ndcg or 0.0) > (best.ndcg or 0.0):
            best = Selection(model, settings, ndcg)
    if best is None:
        raise ValueError("fit_best() needs settings to choose from, got none. Give at least one.")
    return best


def _ndcg(model: Scoring, users: np.ndarray, candidates: np.ndarray, n_items: int) -> float | None:
    """Return the mean NDCG@10 of candidates [m, 1 + c]; None without users."""
    if not users.size:
        return None
    rows, found = ranking.Rows(users), np.empty(candidates.shape)

    def collect(block: np.ndarray, scores: np.ndarray) -> None:
        own = rows.of(block)
        found[own] = np.take_along_axis(scores, candidates[own], axis=1)

    ranking.score_all("the model to choose", model.scores, users, n_items, [collect])
    return float(metrics.ndcg(*ranking.count_better_and_tied(found), K).mean())
