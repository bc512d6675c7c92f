"""Settings are chosen by NDCG@10 on validation lists."""

from dataclasses import dataclass

import numpy as np
import pytest

from ncf_assets.ncf.models.model_selection import fit_best

USERS = np.array([0, 2], np.int32)
CANDIDATES = np.array([[1, 0, 2], [0, 1, 2]])  # user 0 holds out item 1, user 2 item 0


@dataclass(frozen=True)
class Favorite:
    """Scores its one item highest, for everybody; the others tie."""

    item: int

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return 1 for the favorite and 0 for the others: [b, 3]."""
        return np.repeat((np.arange(3) == self.item)[None].astype(float), users.size, axis=0)


def test_the_best_on_validation_stays() -> None:
    """Items 0 and 1 are held out once each, 2 never; of the equals 1 and 0 the first stays.

    With 1, user 0 has rank 1, and user 2 rank 2 or 3: (1 + (0.6309 + 0.5) / 2) / 2 = 0.7827.
    """
    best = fit_best(Favorite, [2, 1, 0], USERS, CANDIDATES, 3)
    assert (best.settings, best.model) == (1, Favorite(1))
    assert best.ndcg == pytest.approx(0.7827, abs=5e-5)


def test_without_validation_the_first_choice_stays() -> None:
    """No other choice is fitted."""
    fitted: list[int] = []

    def fit(item: int) -> Favorite:
        fitted.append(item)
        return Favorite(item)

    best = fit_best(fit, [2, 1], USERS[:0], CANDIDATES[:0], 3)
    assert (best.settings, best.ndcg, fitted) == (2, None, [2])


def test_there_must_be_a_choice() -> None:
    """With an empty list of settings, nothing can be fitted."""
    with pytest.raises(
        ValueError, match=r"settings to choose from, got none\. Give at least one\."
    ):
        fit_best(Favorite, [], USERS, CANDIDATES, 3)
