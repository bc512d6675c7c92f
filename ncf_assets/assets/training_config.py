"""The run configuration that all networks have in common; what is each one's own is in `train`."""

from dataclasses import fields
from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field

# settings whose default differs from network to network
epochs_field = partial(Field, ge=1, le=1000, description="Epochs at most; `patience` may end it")
learning_rate_field = partial(
    Field, gt=0, le=1, description="Adam's rate at the start; it falls to 0 in a line"
)
negatives_field = partial(
    Field, ge=1, le=100, description="Random unseen items for each interaction, fresh each epoch"
)
l2_field = partial(Field, ge=0, le=1, description="Penalty on the embeddings of each example")
averaging_field = partial(
    Field,
    ge=0,
    lt=1,
    description="Share of the earlier epochs in the mean of weights that is validated and kept",
)


class TrainingConfig(dg.Config):
    """What all networks have in common."""

    seed: int = Field(2017, ge=0, description="Seed of initial weights, negatives and shuffling")
    epochs: int = epochs_field(20)
    patience: int = Field(5, ge=1, description="Epochs without better validation NDCG@10 to stop")
    batch_size: int | None = Field(
        None,
        ge=2,
        description="Examples a step; without it a 256th to a 128th of an epoch's, 256 to 65,536",
    )
    learning_rate: float = learning_rate_field(0.004)
    negatives_per_positive: int = negatives_field(4)
    l2: float = l2_field(0.01)
    averaging: float = averaging_field(0.0)
    stream: bool = Field(
        False, description="Read the pairs part by part, where they do not fit into memory"
    )
    saved_model: bool = Field(
        False, description="Export a TensorFlow SavedModel for TF Serving as well"
    )

    def settings(self) -> Any:
        """Those of them that say how to train, as TrainingSettings."""
        from ncf_assets.ncf.trainer import TrainingSettings

        return TrainingSettings(**{f.name: getattr(self, f.name) for f in fields(TrainingSettings)})
