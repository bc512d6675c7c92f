"""Users who came after the training get the scores that they would have had in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ncf_assets.ncf.evaluation import neumf_scorer
from ncf_assets.ncf.models import ials
from ncf_assets.ncf.models.fold_in import FoldIn
from ncf_assets.ncf.models.ials import IalsSettings
from ncf_assets.ncf.training.next_item import NextItem
from ncf_assets_tests.ncf.training.test_next_item import (
    HISTORIES,
    KNOWN,
    N_ITEMS,
    SETTINGS,
    WIDTH,
    known,
    ordinary_weights,
)

IALS = IalsSettings(
    factors=3, iterations=2, unobserved_ratio=2.0, regularization=0.1, half_life=1.5, seed=3
)
FACTORS = ials.fit(KNOWN, IALS)
LEARNT = ordinary_weights()
TRAINED = NextItem(KNOWN, FACTORS, WIDTH, SETTINGS).model_weights(LEARNT)


def fold_in() -> FoldIn:
    """Return what folds users into the network above."""
    assert FACTORS.solved_for is not None
    return FoldIn(
        IALS,
        ials.unobserved_weight(KNOWN, IALS),
        FACTORS.solved_for,
        SETTINGS.factorization_scale,
        LEARNT,
    )


def scores(loaded: FoldIn, histories: list[list[int]]) -> np.ndarray:
    """Return the scores of all items for users of these histories."""
    users = loaded.embeddings(known(histories))
    return neumf_scorer.from_weights({**TRAINED, **users})(np.arange(len(histories)))


def test_a_users_own_history_gives_the_users_own_scores(tmp_path: Path) -> None:
    """Users in another order, and one alone, from a file; a user without items has none to give."""
    fold_in().save(file := tmp_path / "model.fold_in")
    loaded = FoldIn.load(file)
    own = neumf_scorer.from_weights(TRAINED)(np.arange(4))
    users = [3, 0, 1]
    of_three = scores(loaded, [HISTORIES[user] for user in users])
    np.testing.assert_allclose(of_three, own[users], rtol=1e-4, atol=1e-5)
    alone = scores(loaded, [HISTORIES[3]])
    np.testing.assert_allclose(alone, own[3:], rtol=1e-4, atol=1e-5)


def test_the_order_of_a_history_counts() -> None:
    """The same items the other way round are another user."""
    there, back = (scores(fold_in(), [list(items)]) for items in (HISTORIES[3], HISTORIES[3][::-1]))
    assert np.abs(there - back).max() > 0.1


def test_the_solve_is_the_one_of_the_normal_equations() -> None:
    """Two items, written out in float64 for a user of items 2 and then 4."""
    histories = known([[2, 4]])
    settings = replace(IALS, half_life=1.0)  # weights 2/3 and 4/3, which add up to 2
    items, a = FACTORS.solved_for, 0.2
    assert items is not None
    own, weights = items[[2, 4]].astype(np.float64), np.array([2 / 3, 4 / 3])
    ridge = settings.regularization * (2 + a * N_ITEMS)
    system = a * items.T @ items + ridge * np.eye(3) + own.T @ (weights[:, None] * own)
    expected = np.linalg.solve(system, own.T @ weights)
    solver = ials.Solver(items, a, settings.regularization)
    found = ials.fold_in(histories, solver, settings.half_life)
    assert found[0] == pytest.approx(expected, rel=1e-4)
