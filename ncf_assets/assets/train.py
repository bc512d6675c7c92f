"""Train: GMF and MLP, NeuMF that starts from them, and the baselines they must beat."""

from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.model_asset import TrainingConfig, model_asset
from ncf_assets.assets.partition import Run
from ncf_assets.assets.table_asset import NoConfig, sql_asset, table_asset


class GmfConfig(TrainingConfig):
    """Generalised matrix factorisation (He et al. 2017, section 3.2)."""

    factors: int = Field(8, ge=1, le=1024, description="Width of the user and item embeddings")


class MlpConfig(TrainingConfig):
    """Multi-layer perceptron (He et al. 2017, section 3.3)."""

    layers: list[int] = Field(
        [64, 32, 16, 8],
        min_length=2,
        description="Widths of the tower; the first is user and item embedding together, so even",
    )

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, layers: list[int]) -> list[int]:
        if min(layers) < 1 or layers[0] % 2:
            raise ValueError(f"widths are 1 or more and the first is even, found {layers}")
        return layers


class NeumfConfig(TrainingConfig):
    """Neural matrix factorisation (He et al. 2017, section 3.4), of the sizes of GMF and MLP."""

    pretrained: bool = Field(True, description="Start from gmf_model and mlp_model")
    alpha: float = Field(
        0.5, ge=0, le=1, description="Weight of GMF against MLP at the start (section 3.4.1)"
    )
    optimizer: Literal["adam", "sgd"] = Field(
        "sgd", description="He et al. 2017: sgd after pre-training, adam from scratch"
    )


@model_asset("gmf_model", GmfConfig)
def gmf_model(run: Run, config: GmfConfig) -> Any:
    """Element-wise product of a user and an item embedding, weighted: matrix factorisation."""
    from ncf_assets.ncf import neumf

    return neumf.build_gmf(*run.sizes(), config.factors, config.seed)


@model_asset("mlp_model", MlpConfig)
def mlp_model(run: Run, config: MlpConfig) -> Any:
    """A tower of dense layers over the concatenated user and item embeddings."""
    from ncf_assets.ncf import neumf

    return neumf.build_mlp(*run.sizes(), config.layers, config.seed)


@model_asset("neumf_model", NeumfConfig, reads=["gmf_model", "mlp_model"])
def neumf_model(run: Run, config: NeumfConfig) -> Any:
    """GMF and MLP side by side under one output, each with embeddings of its own."""
    from ncf_assets.ncf import neumf

    factors = run.inputs.record("gmf_model")["configuration"]["factors"]
    layers = run.inputs.record("mlp_model")["configuration"]["layers"]
    model = neumf.build_neumf(*run.sizes(), factors, layers, config.seed)
    if config.pretrained:
        gmf, mlp = (neumf.load(run.inputs.model_file(name)) for name in ("gmf_model", "mlp_model"))
        neumf.initialise_from(model, gmf, mlp, config.alpha)
    return model


@table_asset("train", reads=["gmf_model", "mlp_model", "neumf_model"])
def training_history(inputs: Inputs, _: NoConfig) -> pd.DataFrame:
    """Copy each model's epochs from its record."""
    epochs = [
        {"model": name.removesuffix("_model"), **epoch}
        for name in ("gmf_model", "mlp_model", "neumf_model")
        for epoch in inputs.record(name)["history"]
    ]
    return pd.DataFrame(epochs)


baselines = sql_asset("baselines", "train")
