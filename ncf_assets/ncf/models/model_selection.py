"""Choose the settings that do best on validation, for models that are fitted in one step.

Networks are trained epoch by epoch, and `training.loop` chooses among their epochs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ncf_assets.ncf.evaluation.validation import Validation


class Scoring(Protocol):
    """A fitted model."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items, as a `ranking.BlockScorer` does."""


Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Selection(Generic[Settings]):
    """The settings that were best on validation, and the values that were searched for them.

    Their NDCG@10 is None without validation.
    """

    settings: Settings
    ndcg: float | None
    n_tried: int
    values: Mapping[str, Sequence[Any]]


def select(
    fit: Callable[[Settings], Scoring],
    make: Callable[..., Settings],
    values: Mapping[str, Sequence[Any]],
    validation: Validation,
) -> Selection[Settings]:
    """Search the best settings on validation, one setting after another.

    `values` has an ascending list for each of the settings, in the order in which they are chosen;
    `make` is called with one value of each. The search begins in the middle of all lists. Along
    each it goes to the next value, up and then down, for as long as that is better. So it costs two
    or three fits for each setting instead of the product of all lists, and finds a peak, not always
    the highest. Without validation users nothing is tried, and the middle is returned.
    """
    at = {name: len(listed) // 2 for name, listed in values.items()}

    def settings_at(at: Mapping[str, int]) -> Settings:
        return make(**{name: values[name][i] for name, i in at.items()})

    if validation.empty:
        return Selection(settings_at(at), None, 0, values)
    tried: dict[Settings, float] = {}

    def ndcg(at: Mapping[str, int]) -> float:
        settings = settings_at(at)
        if settings not in tried:
            tried[settings] = validation.evaluate(fit(settings).scores)[1]
        return tried[settings]

    for name, listed in values.items():
        start = at[name]
        for step in (1, -1):
            if at[name] != start:
                break  # it has gone up, so down is worse
            while 0 <= at[name] + step < len(listed):
                following = {**at, name: at[name] + step}
                if ndcg(at) >= ndcg(following):
                    break
                at = following
    return Selection(settings_at(at), ndcg(at), len(tried), values)


def at_edge(values: Mapping[str, Sequence[Any]], chosen: Mapping[str, Any]) -> list[str]:
    """Return the settings of which the first or the last value was chosen: a better may lie beyond.

    A list of one value is no search. 0 is no edge, as it stands for none of what a setting weighs.
    """
    return [
        name
        for name, listed in values.items()
        if len(listed) > 1 and chosen[name] in (listed[0], listed[-1]) and chosen[name] != 0
    ]
