"""What models are fitted on and chosen by, as arrays."""

import numpy as np

from ncf_assets.orchestration.inputs import Inputs

TRAINING_INPUTS = ("users", "items", "train", "validation", "negatives")


def train_interactions(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return users [n] and items [n] of the train interactions."""
    train = inputs.read("train", ["user", "item"])
    return train["user"].to_numpy(), train["item"].to_numpy()


def validation_candidates(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return users [n] and their candidates [n, 1 + negatives], the held-out item first."""
    held_out = inputs.read("validation", ["user", "item"])
    negatives = inputs.read("negatives", ["split", "item"])
    drawn = negatives.loc[negatives["split"] == "validation", "item"].to_numpy()
    items = held_out["item"].to_numpy()
    # Of one lineage, both tables have the same users in order, and each as many negatives.
    lists = np.column_stack([items, drawn.reshape(len(items), len(drawn) // max(1, len(items)))])
    return held_out["user"].to_numpy(), lists
