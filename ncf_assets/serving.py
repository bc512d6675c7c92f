"""Recommend, in Python, to somebody of whom a list of items is known, with the served NeuMF.

In SQL `recommend_for` answers the same question by a linear model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.recommend import top_k
from ncf_assets.ncf.recommend.top_k import TopUnseen
from ncf_assets.warehouse.warehouse import Warehouse

if TYPE_CHECKING:  # it takes Keras along
    from ncf_assets.ncf.evaluation.neumf_scorer import ItemSide
    from ncf_assets.ncf.models.fold_in import FoldIn

MODEL = "served_model"


@dataclass(frozen=True)
class Recommendations:
    """The items that are recommended with their scores, the best first, and unknown ids."""

    items: list[str]
    scores: list[float]  # logits, as in the table `recommendations`
    unknown: list[str]


@dataclass(frozen=True)
class Recommender:
    """The served NeuMF of a dataset, without its users."""

    item_ids: np.ndarray  # str [n_items]
    numbers: dict[str, int]  # of the items, by their ids
    network: "ItemSide"
    fold_in: "FoldIn"

    @classmethod
    def load(cls, warehouse: Warehouse, dataset: str) -> Self:
        """Read the model of a dataset.

        Raise NotMaterializedError if there is none, and LookupError if it cannot fold users in or
        was made from other items than those that are in place.
        """
        from ncf_assets.ncf.evaluation.neumf_scorer import ItemSide
        from ncf_assets.ncf.models import neumf
        from ncf_assets.ncf.models.fold_in import FoldIn

        record = warehouse.record(MODEL, dataset)
        inputs = warehouse.get_provenance(MODEL, dataset).input_hashes
        items = warehouse.get_provenance("items", dataset)
        if "fold_in" not in record or inputs["items"] != items.content_hash:
            raise LookupError(
                f"{MODEL} of {dataset} was made by another version or from other items. Run"
                f" `ncf-assets materialize {dataset} --select {MODEL}`."
            )
        model = neumf.load(warehouse.beside(MODEL, dataset, record["file"]))
        item_ids = warehouse.read("items", dataset, ["item_id"])["item_id"].to_numpy()
        return cls(
            item_ids,
            {item: number for number, item in enumerate(item_ids)},
            ItemSide({weight.path: weight.numpy() for weight in model.weights}),
            FoldIn.load(warehouse.beside(MODEL, dataset, record["fold_in"])),
        )

    def recommend(self, items: Sequence[str], k: int = 20) -> Recommendations:
        """Return the k best items for somebody who has these, the latest last.

        Raise ValueError if none of them is known, or k is below 1.
        """
        if k < 1:
            raise ValueError(f"k must be 1 or more, found {k}.")
        latest_last = list(dict.fromkeys(reversed(items)))[::-1]  # of an item the last time counts
        had = [self.numbers[item] for item in latest_last if item in self.numbers]
        unknown = [item for item in latest_last if item not in self.numbers]
        if not had:
            raise ValueError(
                f"none of the items is known, found {', '.join(map(repr, items)) or 'no item'}."
                " Give an item of the table `items`."
            )
        user = np.zeros(1, np.int32)
        users, n_items = np.zeros(len(had), np.int32), len(self.item_ids)
        histories = Interactions.of(users, np.array(had), 1, n_items)
        top = TopUnseen(user, InteractionSet(users, np.array(had), n_items), k)
        top(user, self.network.scorer(self.fold_in.embeddings(histories))(user))
        found = top_k.long_form(top)
        return Recommendations(list(self.item_ids[found["item"]]), found["score"].tolist(), unknown)
