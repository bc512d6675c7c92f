"""What each fit of a model sees: `choose`, `test` and `serve`.

A model is fitted to train, to choose settings and epochs by validation; with what was chosen, it is
fitted to train and validation, and this fit is evaluated on test; and the model that serves is
fitted to everything. So a figure is never of a model that has seen its test items, and no
recommendation of a model that has not seen what the user did last.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from ncf_assets.ncf.evaluation.validation import Validation
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.interactions import Interactions, Room
from ncf_assets.ncf.random_streams import rng
from ncf_assets.orchestration.inputs import Inputs

Fit = Literal["choose", "test", "serve"]

SPLITS: dict[Fit, tuple[str, ...]] = {
    "choose": ("train",),
    "test": ("train", "validation"),
    "serve": ("interactions",),
}
# chosen: of more interactions, the room that smaller fits leave empty costs more than compiling
COMPILED_ONCE = 2**16
TRAINING_INPUTS = ("users", "items", "train", "validation")


def interactions(inputs: Inputs, fit: Fit) -> Interactions:
    """Return the interactions that a fit sees."""
    users, items, recency = _columns(inputs, SPLITS[fit], "user", "item", "recency")
    return Interactions.of(users, items, inputs.rows("users"), inputs.rows("items"), recency)


def room(inputs: Inputs, steps: int) -> Room:
    """Return the room of the largest fit, which is of all interactions, unless they are many."""
    per_user = inputs.read("users", ["n_interactions"])["n_interactions"]
    in_all = int(per_user.sum())
    return Room(steps, in_all, int(per_user.max())) if in_all <= COMPILED_ONCE else Room(steps)


def validation(inputs: Inputs, n_users: int, seed: int) -> Validation:
    """Return what the fit `choose` is validated on: n_users drawn validation users, or all."""
    users, items = _columns(inputs, ["validation"], "user", "item")
    everyone = np.unique(users)
    drawn = everyone[rng(seed, "validation users").permutation(everyone.size)[:n_users]]
    rows = np.isin(users, drawn)
    return Validation(users[rows], items[rows], pairs(inputs, SPLITS["test"]))


def pairs(inputs: Inputs, tables: Sequence[str]) -> InteractionSet:
    """Return the pairs of user and item that tables have."""
    users, items = _columns(inputs, tables, "user", "item")
    return InteractionSet(users, items, inputs.rows("items"))


def _columns(inputs: Inputs, tables: Sequence[str], *columns: str) -> Iterator[np.ndarray]:
    """Yield columns of several tables, one below the other."""
    rows = pd.concat([inputs.read(table, list(columns)) for table in tables], ignore_index=True)
    return (rows[column].to_numpy() for column in columns)
