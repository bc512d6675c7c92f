"""Fits of one network with room for the largest have one shape: they are compiled once."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest

from ncf_assets.ncf.interactions import Interactions, Room
from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.models.ials import Factors
from ncf_assets.ncf.training import adam
from ncf_assets.ncf.training.epoch import Pointwise, TrainingSettings, share_out
from ncf_assets.ncf.training.loop import Objective
from ncf_assets.ncf.training.next_item import NextItem, NextItemSettings
from ncf_assets.ncf.training.optimizer_state import OptimizerState
from ncf_assets.ncf.training.training_data import InMemory

N_USERS, N_ITEMS = 5, 9
ROOM = Room(steps=3, in_all=22, of_user=5)
HISTORIES = [[0, 1, 2, 4, 3], [3, 8, 7, 0], [5, 6], [2, 0, 4, 1, 8], [7]]  # 17 interactions
LONGER = [*HISTORIES[:4], [7, 6, 1, 5]]
PAPERS = TrainingSettings(
    epochs=1,
    batch_size=15,  # 5 positives with 2 negatives each: 3 steps of the 17, with room for 8
    learning_rate=0.1,
    negatives_per_positive=2,
    l2=0.01,
    ema_decay=0.0,
    seed=1,
)
NEXT = NextItemSettings(
    epochs=1,
    batch_size=4,  # 3 steps of the 12 that have one before them, with room for 6
    learning_rate=0.1,
    negatives=3,
    history_length=2,
    factorization_scale=1.0,
    ema_decay=0.9,
    seed=1,
)
FACTORS = Factors(np.ones((N_USERS, 1), np.float32), np.ones((N_ITEMS, 1), np.float32))


def known(histories: list[list[int]]) -> Interactions:
    """Return the interactions of users with these histories."""
    users = np.repeat(np.arange(N_USERS), [len(items) for items in histories])
    return Interactions.of(users, np.concatenate(histories), N_USERS, N_ITEMS)


def as_in_the_paper(histories: list[list[int]], seed: int, room: Room | None) -> Pointwise:
    """Return the objective of pairs."""
    pairs = known(histories)
    positives = InMemory(pairs.users, pairs.items, N_USERS, N_ITEMS, room)
    return Pointwise(positives, N_ITEMS, replace(PAPERS, seed=seed), room=room)


def next_items(histories: list[list[int]], seed: int, room: Room | None) -> NextItem:
    """Return the objective of next items."""
    return NextItem(known(histories), FACTORS, 2, replace(NEXT, seed=seed), room)


def trained(objective: Objective, columns: int) -> dict[str, np.ndarray]:
    """Return the weights after an epoch."""
    model = neumf.build_neumf(N_USERS, N_ITEMS, columns, [4, 2], 1)
    state, _, _ = objective.epoch(OptimizerState.start(objective.start(model)), 1)
    return {name: np.asarray(weight) for name, weight in state.weights.items()}


BOTH = pytest.mark.parametrize(
    ("build", "columns"),
    [(as_in_the_paper, 3), (next_items, NextItem.columns(FACTORS, 2))],
    ids=["pairs", "next items"],
)


@BOTH
def test_fits_of_unequal_size_are_compiled_once(
    build: Callable[..., Any], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of Adam is traced once, though there are 17 interactions, and 20 with a later one."""
    traced = []

    def step(*arguments: Any) -> Any:
        traced.append(1)
        return plain(*arguments)

    plain = adam.step
    monkeypatch.setattr(adam, "step", step)
    for histories in (HISTORIES, LONGER):
        trained(build(histories, 1, ROOM), columns)
    assert len(traced) == 1


@BOTH
def test_room_changes_nothing(build: Callable[..., Any], columns: int) -> None:
    """Weights after an epoch are those of arrays without room, but for the order of sums.

    Where there is too little room, arrays are of their own size.
    """
    tight = trained(build(HISTORIES, 2, None), columns)
    for room in (ROOM, Room(steps=3, in_all=4, of_user=1)):
        for name, weight in trained(build(HISTORIES, 2, room), columns).items():
            np.testing.assert_allclose(weight, tight[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("n", "steps", "width", "shares"),
    [
        (7, 2, 4, [[0, 1, 2, 0], [3, 4, 5, 6]]),
        (7, 3, 3, [[0, 1, 0], [2, 3, 2], [4, 5, 6]]),
        (4, 1, 6, [[0, 1, 2, 3, 0, 0]]),
        (1, 2, 2, [[0, 0], [0, 0]]),  # the first step has none: its place is not counted
    ],
)
def test_examples_are_shared_out_evenly(
    n: int, steps: int, width: int, shares: list[list[int]]
) -> None:
    """Every example is in one step; the rest of a step repeats its first."""
    positions, sizes = share_out(n, steps, width)
    assert positions.tolist() == shares
    counted = [row[:size] for row, size in zip(positions.tolist(), sizes, strict=True)]
    assert list(chain(*counted)) == list(range(n))
