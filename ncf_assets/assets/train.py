"""Train: the factorization, GMF that starts from it, MLP, and NeuMF that starts from them.

The models that they must beat are in `baselines`.
"""

from dataclasses import fields
from functools import partial
from typing import Any, Literal

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.orchestration.models import (
    FitConfig,
    Fitted,
    fitted_model,
    sample_validation_candidates,
    trained_model,
)
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables
from ncf_assets.orchestration.training_inputs import train_interactions

NETWORKS = ("gmf_model", "mlp_model", "neumf_model")  # whose epochs training_history keeps


# settings whose default differs from network to network
epochs_field = partial(Field, ge=1, le=1000, description="Epochs at most; `patience` may end it")
learning_rate_field = partial(
    Field, gt=0, le=1, description="Adam's rate at the start; it falls to 0 in a line"
)
negatives_field = partial(
    Field, ge=1, le=100, description="Random unseen items for each interaction, fresh each epoch"
)
l2_field = partial(Field, ge=0, le=1, description="Penalty on the embeddings of each example")
ema_decay_field = partial(
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
    ema_decay: float = ema_decay_field(0.0)
    stream: bool = Field(
        False, description="Read the pairs part by part, where they do not fit into memory"
    )
    saved_model: bool = Field(
        False, description="Export a TensorFlow SavedModel for TF Serving as well"
    )

    def settings(self) -> Any:
        """Return the settings that say how to train."""
        from ncf_assets.ncf.training.epoch import TrainingSettings

        return TrainingSettings(**{f.name: getattr(self, f.name) for f in fields(TrainingSettings)})


class IalsConfig(FitConfig):
    """Implicit alternating least squares (Hu et al. 2008; Rendle et al. 2022)."""

    factors: int = Field(128, ge=1, le=1024, description="Width of the factors, and of GMF's half")
    iterations: int = Field(8, ge=1, le=100, description="Times that both sides are solved for")
    unobserved_ratio: float = Field(
        7,
        gt=0,
        le=1000,
        description="Weight of all pairs together against that of the interactions (chosen: it is"
        " what Rendle et al.'s 0.3 a pair comes to on MovieLens-1M)",
    )
    regularization: list[float] = Field(
        [0.007, 0.02, 0.06],
        min_length=1,
        description="Values to try; the one with the best validation NDCG@10 is kept",
    )


class WarmConfig(TrainingConfig):
    """What networks have in common that start near where they end: few and small steps."""

    epochs: int = epochs_field(8)
    learning_rate: float = learning_rate_field(0.0005)


class GmfConfig(WarmConfig):
    """Generalized matrix factorization (He et al. 2017, section 3.2)."""

    pretrained: bool = Field(True, description="Start from ials_model, whose width GMF has")


class MlpConfig(TrainingConfig):
    """Multi-layer perceptron (He et al. 2017, section 3.3)."""

    layers: list[int] = Field(
        [64, 32, 16, 8],
        min_length=2,
        description="Widths of the tower; the first is user and item embedding together, so even",
    )
    epochs: int = epochs_field(30)
    negatives_per_positive: int = negatives_field(8)
    l2: float = l2_field(0.002)
    ema_decay: float = ema_decay_field(0.8)

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, layers: list[int]) -> list[int]:
        if min(layers) < 1 or layers[0] % 2:
            raise ValueError(f"widths are 1 or more and the first is even, found {layers}")
        return layers


class NeumfConfig(WarmConfig):
    """Neural matrix factorization (He et al. 2017, section 3.4), of the sizes of GMF and MLP."""

    pretrained: Literal["gmf", "both", "none"] = Field(
        "gmf",
        description="What starts from trained weights: the GMF half alone (which did best, see"
        " docs/training.md), both halves as in the paper, or none",
    )
    alpha: float = Field(
        0.5,
        ge=0,
        le=1,
        description="With `both`: weight of GMF against MLP at the start (section 3.4.1)",
    )


@fitted_model(IalsConfig)
def ials_model(run: AssetRun, config: IalsConfig) -> Fitted:
    """Fit factors of users and items in closed form: a baseline, and where GMF starts from."""
    from ncf_assets.ncf.models import ials, model_selection

    ratio = config.unobserved_ratio
    best = model_selection.fit_best(
        partial(ials.fit, *train_interactions(run.inputs), *run.sizes()),
        [
            ials.IalsSettings(config.factors, config.iterations, ratio, value, config.seed)
            for value in config.regularization
        ],
        *sample_validation_candidates(run, config),
        run.inputs.rows("items"),
    )
    arrays = {"users": best.model.users, "items": best.model.items}
    return Fitted(arrays, {"regularization": best.settings.regularization, "ndcg": best.ndcg})


@trained_model(GmfConfig, reads=["ials_model"])
def gmf_model(run: AssetRun, config: GmfConfig) -> Any:
    """Build the weighted product of a user and an item embedding: matrix factorization."""
    from ncf_assets.ncf.models import neumf, pretraining
    from ncf_assets.ncf.models.ials import Factors

    with np.load(run.inputs.model_file("ials_model"), allow_pickle=False) as file:
        factors = Factors(file["users"], file["items"])
    model = neumf.build_gmf(*run.sizes(), factors.items.shape[1], config.seed)
    if config.pretrained:
        pretraining.from_factors(model, factors)
    return model


@trained_model(MlpConfig)
def mlp_model(run: AssetRun, config: MlpConfig) -> Any:
    """Build a tower of dense layers over the concatenated user and item embeddings."""
    from ncf_assets.ncf.models import neumf

    return neumf.build_mlp(*run.sizes(), config.layers, config.seed)


@trained_model(NeumfConfig, reads=["gmf_model", "mlp_model"])
def neumf_model(run: AssetRun, config: NeumfConfig) -> Any:
    """Build GMF and MLP side by side under one output, each with embeddings of its own."""
    return untrained_neumf(run, config)


def untrained_neumf(run: AssetRun, config: NeumfConfig) -> Any:
    """Build NeuMF with the sizes of the trained GMF and MLP, started as configured."""
    from ncf_assets.ncf.models import neumf, pretraining

    gmf = neumf.load(run.inputs.model_file("gmf_model"))
    factors = gmf.get_layer("gmf_item_embedding").output_dim
    layers = run.inputs.record("mlp_model")["configuration"]["layers"]
    model = neumf.build_neumf(*run.sizes(), factors, layers, config.seed)
    if config.pretrained == "gmf":
        pretraining.from_gmf(model, gmf)
    elif config.pretrained == "both":
        mlp = neumf.load(run.inputs.model_file("mlp_model"))
        pretraining.from_both(model, gmf, mlp, config.alpha)
    return model


@python_tables({"training_history": "train"}, reads=NETWORKS)
def training_history(run: AssetRun, _: NoConfig) -> None:
    """Copy each model's epochs from its record."""
    epochs = [
        {"model": name.removesuffix("_model"), **epoch}
        for name in NETWORKS
        for epoch in run.inputs.record(name)["history"]
    ]
    run.write("training_history", pd.DataFrame(epochs))
