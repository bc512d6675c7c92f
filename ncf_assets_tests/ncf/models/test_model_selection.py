"""Settings are chosen by NDCG@10 on validation, with few of the possible fits."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from ncf_assets.ncf.evaluation.validation import Validation, nothing_held_out
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.models.model_selection import Selection, at_edge, select

N_ITEMS = 40
VALIDATION = Validation(
    np.array([0], np.int32),
    np.array([0], np.int32),
    InteractionSet(np.array([0]), np.array([0]), N_ITEMS),
)
VALUES = {"x": [1, 2, 3, 4, 5], "y": [10, 20, 30, 40]}  # the middles are 3 and 30


@dataclass(frozen=True)
class Point:
    """The settings of a model."""

    x: int
    y: int


@dataclass(frozen=True)
class Behind:
    """A model that ranks user 0's item 0 behind so many others."""

    others: int

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return falling scores of the items 1, 2, … with item 0 among them: [b, n_items]."""
        scores = -np.arange(N_ITEMS, dtype=np.float32)
        scores[0] = -self.others - 0.5
        return np.repeat(scores[None], users.size, axis=0)


def searched(
    behind: Callable[[Point], int], validation: Validation = VALIDATION
) -> tuple[Selection[Point], list[Point]]:
    """Return what is chosen among models that rank item 0 behind so many, and all that are fitted.

    From 10 on, all have an NDCG@10 of 0.
    """
    fitted: list[Point] = []

    def fit(settings: Point) -> Behind:
        fitted.append(settings)
        return Behind(behind(settings))

    return select(fit, Point, VALUES, validation), fitted


@pytest.mark.parametrize("peak", [Point(*at) for at in product(*VALUES.values())])
def test_a_peak_is_found_wherever_it_is(peak: Point) -> None:
    """Each step away from it costs a rank, so it has rank 1 and an NDCG of 1."""
    found, fitted = searched(lambda at: abs(at.x - peak.x) + abs(at.y - peak.y) // 10)
    assert (found.settings, found.ndcg) == (peak, 1.0)
    assert found.n_tried == len(fitted) == len(set(fitted))
    assert fitted[0] == Point(3, 30)


def test_a_setting_is_searched_up_and_down_before_the_next() -> None:
    """The peak is at x = 2, y = 40: 4 is worse than 3, 2 is better, 1 is worse; then 40 is better.

    Nothing is above 40, and 20 is not tried, as 40 was better than 30. So 5 of 20 are fitted.
    """
    found, fitted = searched(lambda at: abs(at.x - 2) + abs(at.y - 40) // 10)
    assert fitted == [Point(3, 30), Point(4, 30), Point(2, 30), Point(1, 30), Point(2, 40)]
    assert (found.settings, found.n_tried) == (Point(2, 40), 5)


def test_an_equal_neighbor_is_no_reason_to_move() -> None:
    """All settings do the same, so the middle stays: two fits beside it for each setting."""
    found, fitted = searched(lambda _: 1)
    assert found == Selection(Point(3, 30), pytest.approx(1 / np.log2(3)), 5, VALUES)
    assert set(fitted) == {
        Point(3, 30),
        *(Point(x, 30) for x in (2, 4)),
        Point(3, 20),
        Point(3, 40),
    }


def test_a_search_goes_on_from_the_best_of_the_setting_before() -> None:
    """The second setting's values are tried beside x = 5, which was best beside the middle."""
    _, fitted = searched(lambda at: 5 - at.x)
    assert {at.x for at in fitted if at.y != 30} == {5}


def test_without_validation_the_middle_stays() -> None:
    """Nothing is fitted to find out."""
    found, fitted = searched(lambda _: 0, nothing_held_out(N_ITEMS))
    assert (found, fitted) == (Selection(Point(3, 30), None, 0, VALUES), [])


def test_a_choice_at_the_end_of_its_values_is_named() -> None:
    """Both ends are edges; the middle, an only value, and 0, which means none, are not."""
    values = {"low": [1, 2, 3], "middle": [1, 2, 3], "high": [1, 2, 3], "only": [1], "none": [1, 0]}
    chosen = {"low": 1, "middle": 2, "high": 3, "only": 1, "none": 0}
    assert at_edge(values, chosen) == ["low", "high"]
