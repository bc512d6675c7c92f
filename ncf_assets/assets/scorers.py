"""The models that are ranked, and how each one's files become a block scorer.

Everything ranked goes through here; what a block scorer is stands in `ncf_assets.ncf.ranking`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.learned_asset import train_pairs
from ncf_assets.ncf import chance, ranking
from ncf_assets.ncf.ranking import BlockScorer

SERVED = "neumf"  # the model that recommends
SEED = 2017  # ours: of the random baseline, of which one draw is as good as another
MODULES = tuple(
    f"ncf_assets.ncf.{module}"
    for module in ("chance", "ease", "itemknn", "network_scorer", "ranking")
)


def popularity(inputs: Inputs) -> BlockScorer:
    """The number of train interactions of each item, the same for all users."""
    scores = inputs.read("baselines").query("model == 'popularity'").sort_values("item")["score"]
    return ranking.same_for_all(scores.to_numpy())


def random(inputs: Inputs) -> BlockScorer:
    """Drawn, and the same in every run."""
    return chance.block_scorer(inputs.rows("items"), SEED)


def factors(inputs: Inputs) -> BlockScorer:
    """The product of a user's and an item's factors."""
    found = _arrays(inputs, "ials_model")
    return lambda asked: found["users"][asked] @ found["items"].T


def neighbourhoods(inputs: Inputs) -> BlockScorer:
    """The similarity of an item to what the user has in train."""
    from ncf_assets.ncf import itemknn

    found = _arrays(inputs, "itemknn_model")
    return itemknn.ItemKnn(_histories(inputs), found["neighbours"], found["similarities"]).scores


def linear(inputs: Inputs) -> BlockScorer | None:
    """The weights for an item of what the user has in train; None if there are too many items."""
    from ncf_assets.ncf import ease

    if inputs.record("ease_model")["skipped"]:
        return None
    return ease.Ease(_histories(inputs), _arrays(inputs, "ease_model")["weights"]).scores


def network(name: str) -> Callable[[Inputs], BlockScorer]:
    """The logits of a trained network."""

    def load(inputs: Inputs) -> BlockScorer:
        from ncf_assets.ncf import network_scorer, neumf

        return network_scorer.block_scorer(neumf.load(inputs.model_file(f"{name}_model")))

    return load


def _arrays(inputs: Inputs, asset: str) -> dict[str, np.ndarray]:
    """What the file of a fitted model holds."""
    with np.load(inputs.model_file(asset), allow_pickle=False) as file:
        return dict(file)


def _histories(inputs: Inputs) -> Any:
    from ncf_assets.ncf.histories import histories

    return histories(*train_pairs(inputs), inputs.rows("users"), inputs.rows("items"))


# by the models' names in the tables, in alphabetical order; each is loaded when its turn comes.
# None instead of a scorer stands for a model that was skipped, as its record explains
SCORERS: dict[str, Callable[[Inputs], BlockScorer | None]] = {
    "ease": linear,
    "gmf": network("gmf"),
    "ials": factors,
    "itemknn": neighbourhoods,
    "mlp": network("mlp"),
    "neumf": network("neumf"),
    "popularity": popularity,
    "random": random,
}
READS = (
    "baselines",
    "ease_model",
    "gmf_model",
    "ials_model",
    "itemknn_model",
    "mlp_model",
    "neumf_model",
    "train",
)
