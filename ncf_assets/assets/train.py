"""Train: the factorisation, GMF that starts from it, MLP, and NeuMF that starts from them.

What they must beat is `baselines`.
"""

from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.assets.fitted_asset import (
    FitConfig,
    Fitted,
    fitted_asset,
    some_validation_lists,
)
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.learned_asset import train_pairs
from ncf_assets.assets.model_asset import model_asset
from ncf_assets.assets.partition import Run
from ncf_assets.assets.table_asset import NoConfig, table_asset
from ncf_assets.assets.training_config import (
    TrainingConfig,
    averaging_field,
    epochs_field,
    l2_field,
    learning_rate_field,
    negatives_field,
)

NETWORKS = ("gmf_model", "mlp_model", "neumf_model")  # whose epochs are kept


class IalsConfig(FitConfig):
    """Implicit alternating least squares (Hu et al. 2008; Rendle et al. 2022)."""

    factors: int = Field(128, ge=1, le=1024, description="Width of the factors, and of GMF's half")
    sweeps: int = Field(8, ge=1, le=100, description="Times that both sides are solved for")
    unobserved_ratio: float = Field(
        7,
        gt=0,
        le=1000,
        description="Weight of all pairs together against that of the interactions (ours: what"
        " Rendle et al.'s 0.3 a pair on MovieLens-1M comes to)",
    )
    regularisation: list[float] = Field(
        [0.007, 0.02, 0.06],
        min_length=1,
        description="Values to try; the one with the best validation NDCG@10 is kept",
    )


class WarmConfig(TrainingConfig):
    """What networks have in common that start near where they end: few and small steps."""

    epochs: int = epochs_field(8)
    learning_rate: float = learning_rate_field(0.0005)


class GmfConfig(WarmConfig):
    """Generalised matrix factorisation (He et al. 2017, section 3.2)."""

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
    averaging: float = averaging_field(0.8)

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, layers: list[int]) -> list[int]:
        if min(layers) < 1 or layers[0] % 2:
            raise ValueError(f"widths are 1 or more and the first is even, found {layers}")
        return layers


class NeumfConfig(WarmConfig):
    """Neural matrix factorisation (He et al. 2017, section 3.4), of the sizes of GMF and MLP."""

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


@fitted_asset(
    "ials_model",
    IalsConfig,
    modules=("ncf_assets.ncf.ials", "ncf_assets.ncf.choosing"),
)
def ials_model(run: Run, config: IalsConfig) -> Fitted:
    """Factors of users and items in closed form: a baseline, and where GMF starts from."""
    from ncf_assets.ncf import choosing, ials

    ratio = config.unobserved_ratio
    best = choosing.fit_best(
        partial(ials.fit, *train_pairs(run.inputs), *run.sizes()),
        [
            ials.IalsSettings(config.factors, config.sweeps, ratio, value, config.seed)
            for value in config.regularisation
        ],
        *some_validation_lists(run, config),
        run.inputs.rows("items"),
    )
    arrays = {"users": best.model.users, "items": best.model.items}
    return Fitted(arrays, {"regularisation": best.settings.regularisation, "ndcg": best.ndcg})


@model_asset("gmf_model", GmfConfig, reads=["ials_model"])
def gmf_model(run: Run, config: GmfConfig) -> Any:
    """Element-wise product of a user and an item embedding, weighted: matrix factorisation."""
    from ncf_assets.ncf import neumf, warm_start
    from ncf_assets.ncf.ials import Factors

    with np.load(run.inputs.model_file("ials_model"), allow_pickle=False) as file:
        factors = Factors(file["users"], file["items"])
    model = neumf.build_gmf(*run.sizes(), factors.items.shape[1], config.seed)
    if config.pretrained:
        warm_start.from_factors(model, factors)
    return model


@model_asset("mlp_model", MlpConfig)
def mlp_model(run: Run, config: MlpConfig) -> Any:
    """A tower of dense layers over the concatenated user and item embeddings."""
    from ncf_assets.ncf import neumf

    return neumf.build_mlp(*run.sizes(), config.layers, config.seed)


@model_asset("neumf_model", NeumfConfig, reads=["gmf_model", "mlp_model"])
def neumf_model(run: Run, config: NeumfConfig) -> Any:
    """GMF and MLP side by side under one output, each with embeddings of its own."""
    return untrained_neumf(run, config)


def untrained_neumf(run: Run, config: NeumfConfig) -> Any:
    """NeuMF of the sizes of the trained GMF and MLP, started as configured."""
    from ncf_assets.ncf import neumf, warm_start

    gmf = neumf.load(run.inputs.model_file("gmf_model"))
    factors = gmf.get_layer("gmf_item_embedding").output_dim
    layers = run.inputs.record("mlp_model")["configuration"]["layers"]
    model = neumf.build_neumf(*run.sizes(), factors, layers, config.seed)
    if config.pretrained == "gmf":
        warm_start.from_gmf(model, gmf)
    elif config.pretrained == "both":
        mlp = neumf.load(run.inputs.model_file("mlp_model"))
        warm_start.from_both(model, gmf, mlp, config.alpha)
    return model


@table_asset("train", reads=NETWORKS)
def training_history(inputs: Inputs, _: NoConfig) -> pd.DataFrame:
    """Copy each model's epochs from its record."""
    epochs = [
        {"model": name.removesuffix("_model"), **epoch}
        for name in NETWORKS
        for epoch in inputs.record(name)["history"]
    ]
    return pd.DataFrame(epochs)
