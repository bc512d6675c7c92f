"""The models that are ranked, and how each one's files become a block scorer.

Everything that is ranked goes through here. What a block scorer is, is defined in
`ncf_assets.ncf.evaluation.ranking`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.ranking import BlockScorer
from ncf_assets.ncf.models import random_scores
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.training_inputs import train_interactions

SEED = 2017  # of the random baseline, of which any draw will do


def _popularity(inputs: Inputs) -> BlockScorer:
    """Return a scorer by the number of train interactions of each item, the same for all users."""
    scores = (
        inputs.read("popularity_scores").query("model == 'popularity'").sort_values("item")["score"]
    )
    return ranking.same_for_all(scores.to_numpy())


def _random(inputs: Inputs) -> BlockScorer:
    """Return random scores, the same in every run."""
    return random_scores.block_scorer(inputs.rows("items"), SEED)


def _ials(inputs: Inputs) -> BlockScorer:
    """Return a scorer by the product of a user's and an item's factors."""
    found = _arrays(inputs, "ials_model")
    return lambda asked: found["users"][asked] @ found["items"].T


def _itemknn(inputs: Inputs) -> BlockScorer:
    """Return a scorer by the similarity of an item to the user's items in train."""
    from ncf_assets.ncf.models import itemknn

    found = _arrays(inputs, "itemknn_model")
    return itemknn.ItemKnn(
        _interaction_matrix(inputs), found["neighbors"], found["similarities"]
    ).scores


def _ease(inputs: Inputs) -> BlockScorer | None:
    """Return a scorer by the weights of the user's items; None if there were too many items."""
    from ncf_assets.ncf.models import ease

    if inputs.record("ease_model")["skipped"]:
        return None
    return ease.Ease(_interaction_matrix(inputs), _arrays(inputs, "ease_model")["weights"]).scores


def _neural(name: str) -> Callable[[Inputs], BlockScorer]:
    """Return a scorer by the logits of a trained network."""

    def load(inputs: Inputs) -> BlockScorer:
        from ncf_assets.ncf.evaluation import neumf_scorer
        from ncf_assets.ncf.models import neumf

        return neumf_scorer.block_scorer(neumf.load(inputs.model_file(f"{name}_model")))

    return load


def _arrays(inputs: Inputs, asset: str) -> dict[str, np.ndarray]:
    """Return the arrays in the file of a fitted model."""
    with np.load(inputs.model_file(asset), allow_pickle=False) as file:
        return dict(file)


def _interaction_matrix(inputs: Inputs) -> Any:
    from ncf_assets.ncf.models.interaction_matrix import interaction_matrix

    return interaction_matrix(
        *train_interactions(inputs), inputs.rows("users"), inputs.rows("items")
    )


# by the models' names in the tables, in alphabetical order; each is loaded when its turn comes.
# None instead of a scorer stands for a model that was skipped, as its record explains
SCORERS: dict[str, Callable[[Inputs], BlockScorer | None]] = {
    "ease": _ease,
    "gmf": _neural("gmf"),
    "ials": _ials,
    "itemknn": _itemknn,
    "mlp": _neural("mlp"),
    "neumf": _neural("neumf"),
    "popularity": _popularity,
    "random": _random,
}
SCORED_ASSETS = (
    "ease_model",
    "gmf_model",
    "ials_model",
    "itemknn_model",
    "mlp_model",
    "neumf_model",
    "popularity_scores",
    "train",
)
