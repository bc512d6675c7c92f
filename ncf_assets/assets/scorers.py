"""The models that are ranked, and how each one's files become a block scorer.

Everything ranked goes through here; what a block scorer is stands in `ncf_assets.ncf.ranking`.
"""

from collections.abc import Callable

import numpy as np

from ncf_assets.assets.inputs import Inputs
from ncf_assets.ncf import ranking
from ncf_assets.ncf.ranking import BlockScorer

SERVED = "neumf"  # the model that recommends
MODULES = ("ncf_assets.ncf.ranking", "ncf_assets.ncf.network_scorer")


def popularity(inputs: Inputs) -> BlockScorer:
    """The number of train interactions of each item, the same for all users."""
    scores = inputs.read("baselines").query("model == 'popularity'").sort_values("item")["score"]
    return ranking.same_for_all(scores.to_numpy())


def factors(inputs: Inputs) -> BlockScorer:
    """The product of a user's and an item's factors."""
    with np.load(inputs.model_file("ials_model"), allow_pickle=False) as file:
        users, items = file["users"], file["items"]
    return lambda asked: users[asked] @ items.T


def network(name: str) -> Callable[[Inputs], BlockScorer]:
    """The logits of a trained network."""

    def load(inputs: Inputs) -> BlockScorer:
        from ncf_assets.ncf import network_scorer, neumf

        return network_scorer.block_scorer(neumf.load(inputs.model_file(f"{name}_model")))

    return load


# by the models' names in the tables, in alphabetical order; each is loaded when its turn comes
SCORERS: dict[str, Callable[[Inputs], BlockScorer]] = {
    "gmf": network("gmf"),
    "ials": factors,
    "mlp": network("mlp"),
    "neumf": network("neumf"),
    "popularity": popularity,
}
READS = ("baselines", "gmf_model", "ials_model", "mlp_model", "neumf_model")
