"""What each fit of a model sees: `choose`, `test` and `serve`.

A model is fitted to train, to choose settings and epochs by validation; with what was chosen, it is
fitted to train and validation, and this fit is evaluated on test; and the model that serves is
fitted to everything. So a figure is never of a model that has seen its test items, and no
recommendation of a model that has not seen what the user did last.
"""

from typing import Literal

import numpy as np
import pandas as pd

from ncf_assets.ncf.evaluation.evaluation_negatives import InteractionSet
from ncf_assets.ncf.evaluation.validation import Validation
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.random_streams import rng
from ncf_assets.orchestration.inputs import Inputs

Fit = Literal["choose", "test", "serve"]

SPLITS: dict[Fit, tuple[str, ...]] = {
    "choose": ("train",),
    "test": ("train", "validation"),
    "serve": ("train", "validation", "test"),
}
TRAINING_INPUTS = ("users", "items", "train", "validation")


def interactions(inputs: Inputs, fit: Fit) -> Interactions:
    """Return the interactions that a fit sees."""
    columns = ["user", "item", "recency"]
    pairs = pd.concat([inputs.read(split, columns) for split in SPLITS[fit]], ignore_index=True)
    users, items, recency = (pairs[column].to_numpy() for column in columns)
    return Interactions.of(users, items, inputs.rows("users"), inputs.rows("items"), recency)


def validation(inputs: Inputs, n_users: int, seed: int) -> Validation:
    """Return what the fit `choose` is validated on: n_users drawn validation users, or all."""
    known = interactions(inputs, "test")
    held_out = inputs.read("validation", ["user", "item"])
    drawn = rng(seed, "validation users").permutation(len(held_out))[:n_users]
    users, items = (held_out[column].to_numpy()[np.sort(drawn)] for column in ("user", "item"))
    return Validation(users, items, InteractionSet(known.users, known.items, known.n_items))
