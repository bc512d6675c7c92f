"""Of several settings the one that does best on validation, for models fitted in one go.

Networks, which are trained epoch by epoch, choose among epochs: `training`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from ncf_assets.ncf import metrics, ranking

K = 10  # He et al. 2017, section 4.1: settings are chosen by NDCG@10


class Scoring(Protocol):
    """A fitted model."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items, as a `ranking.BlockScorer` gives them."""


Model = TypeVar("Model", bound=Scoring)
Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Chosen(Generic[Model, Settings]):
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
) -> Chosen[Model, Settings]:
    """Fit with each of `choices` and keep the best on validation, the first of equals.

    Validation `users` [m] and `candidates` [m, 1 + c], the held-out item at column 0, may be
    empty: then the first choice is kept.
    """
    best: Chosen[Model, Settings] | None = None
    for settings in choices if users.size else choices[:1]:
        model = fit(settings)
        ndcg = _ndcg(model, users, candidates, n_items)
        if best is None or (ndcg or 0.0) > (best.ndcg or 0.0):
            best = Chosen(model, settings, ndcg)
    if best is None:
        raise ValueError("there must be settings to choose from, found none; give at least one")
    return best


def _ndcg(model: Scoring, users: np.ndarray, candidates: np.ndarray, n_items: int) -> float | None:
    """Mean NDCG@10 of candidates [m, 1 + c]; None without users."""
    if not users.size:
        return None
    rows, found = ranking.Rows(users), np.empty(candidates.shape)

    def read(asked: np.ndarray, scores: np.ndarray) -> None:
        own = rows.of(asked)
        found[own] = np.take_along_axis(scores, candidates[own], axis=1)

    ranking.sweep("the model to choose", model.scores, users, n_items, [read])
    return float(metrics.ndcg(*ranking.count_better_and_tied(found), K).mean())
