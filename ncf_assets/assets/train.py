"""Train: the factorization, and the networks: the paper's from random weights, and NeuMF.

The other models that NeuMF must beat are in `baselines`.
"""

from dataclasses import fields, replace
from functools import partial
from typing import Any

import pandas as pd
from pydantic import Field, ValidationInfo, field_validator

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.training.epochs import recorded_epochs
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.distributed import join_cluster, share_training
from ncf_assets.orchestration.factorization import FittedBy
from ncf_assets.orchestration.fits import SPLITS, Fit, interactions, room, validation
from ncf_assets.orchestration.fitted_models import Fitted, chosen, fitted_model
from ncf_assets.orchestration.models import ModelConfig, NotNegative, Positive
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables
from ncf_assets.orchestration.trained_models import Training, trained_model
from ncf_assets.tables import tables

# whose epochs training_history keeps
NETWORKS = ("gmf_model", "mlp_model", "neumf_model", "neumf_scratch_model")


def half_life_field(*shorter: float) -> Any:
    """Declare how fast an interaction loses its weight; `shorter` are tried besides the usual."""
    return Field(
        [*shorter, 1.0, 2.0, 4.0, 8.0, 0.0],
        min_length=1,
        description="Values to try: an interaction counts half as much for each so many later ones"
        " of the same user; 0 stands for no weights, and last in the list",
    )


class IalsConfig(ModelConfig):
    """Implicit alternating least squares (Hu et al. 2008; Rendle et al. 2022).

    The lists are ascending values to try. The search begins in the middle of each, and goes along
    one after another for as long as validation NDCG@10 rises.
    """

    factors: int = Field(128, ge=1, le=1024, description="Width of the factors")
    iterations: int = Field(8, ge=1, le=100, description="Times that both sides are solved for")
    regularization: list[Positive] = Field(
        [0.006, 0.0125, 0.025, 0.05, 0.1, 0.15, 0.2], min_length=1, description="Values to try"
    )
    unobserved_ratio: list[NotNegative] = Field(
        [1.0, 2.0, 4.0, 7.0],
        min_length=1,
        description="Values to try: weight of all pairs together against that of the interactions"
        " (7 is what Rendle et al.'s 0.3 a pair comes to on MovieLens-1M)",
    )
    half_life: list[NotNegative] = half_life_field()
    fitted_by: FittedBy = Field(
        "numpy",
        description="numpy fits in the process of the run; mllib has Spark make all iterations but"
        " the last, to other numbers, and needs the engine spark",
    )

    @field_validator("fitted_by")
    @classmethod
    def _check_ratios(cls, fitted_by: FittedBy, info: ValidationInfo) -> FittedBy:
        """Refuse pairs without weight for MLlib, which divides by it."""
        if fitted_by == "mllib" and min(info.data.get("unobserved_ratio", [1.0])) <= 0:
            raise ValueError("MLlib needs each unobserved_ratio above 0, found 0 or less")
        return fitted_by


def values_of(config: ModelConfig, *settings: str) -> dict[str, list[Any]]:
    """Return the values to try of some settings."""
    return {name: getattr(config, name) for name in settings}


def epochs_field(default: int) -> Any:
    """Declare how long a network is trained."""
    return Field(default, ge=1, le=1000, description="Epochs at most; `patience` may end it")


def learning_rate_field(default: float, end: str) -> Any:
    """Declare Adam's learning rate, which falls to `end`."""
    return Field(default, gt=0, le=1, description=f"Adam's rate at the start; it falls to {end}")


def layers_field(default: list[int]) -> Any:
    """Declare the widths of an MLP half."""
    return Field(
        default,
        min_length=2,
        description="Widths of the tower; the first is user and item embedding together, so even",
    )


def check_layers(layers: list[int]) -> list[int]:
    """Return the widths of a tower; ValueError if there can be none of them."""
    if min(layers) < 1 or layers[0] % 2:
        raise ValueError(f"widths must be 1 or more and the first even, found {layers}")
    return layers


class PaperConfig(ModelConfig):
    """What the networks have in common that are trained as in the paper (section 3.1)."""

    epochs: int = epochs_field(20)
    patience: int = Field(5, ge=1, description="Epochs without better validation NDCG@10 to stop")
    batch_size: int | None = Field(
        None,
        ge=2,
        description="Examples a step; without it a 256th to a 128th of train's, 256 to 65,536",
    )
    learning_rate: float = learning_rate_field(0.004, "0")
    negatives_per_positive: int = Field(
        8, ge=1, le=100, description="Random unseen items for each interaction, fresh each epoch"
    )
    l2: float = Field(0.002, ge=0, le=1, description="Penalty on the embeddings of each example")
    ema_decay: float = Field(
        0.8,
        ge=0,
        lt=1,
        description="Share of the earlier epochs in the mean of weights that is kept",
    )
    stream: bool = Field(
        False, description="Read the pairs part by part, where they do not fit into memory"
    )

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return what decides most of how these networks train."""
        return {
            "learning_rate": [0.001, 0.002, 0.004, 0.008, 0.016],
            "l2": [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02],
            "negatives_per_positive": [4, 8],
        }

    def settings(self) -> Any:
        """Return the settings that say how to train."""
        from ncf_assets.ncf.training.epoch import TrainingSettings

        return TrainingSettings(**{f.name: getattr(self, f.name) for f in fields(TrainingSettings)})


class GmfConfig(PaperConfig):
    """Generalized matrix factorization (He et al. 2017, section 3.2), from random weights."""

    factors: int = Field(64, ge=1, le=1024, description="Width of the embeddings")
    l2: float = Field(0.01, ge=0, le=1, description="Penalty on the embeddings of each example")

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return the width as well."""
        return {**super().search_space(), "factors": [32, 64, 128]}


class MlpConfig(PaperConfig):
    """Multi-layer perceptron (He et al. 2017, section 3.3), from random weights."""

    layers: list[int] = layers_field([64, 32, 16, 8])
    epochs: int = epochs_field(30)

    _check_layers = field_validator("layers")(check_layers)


class NeumfScratchConfig(PaperConfig):
    """Neural matrix factorization as the paper trains it (section 3.4), from random weights."""

    factors: int = Field(8, ge=1, le=1024, description="Width of the GMF half's embeddings")
    layers: list[int] = layers_field([64, 32, 16, 8])
    epochs: int = epochs_field(30)

    _check_layers = field_validator("layers")(check_layers)

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return the width of the GMF half as well."""
        return {**super().search_space(), "factors": [8, 16, 32]}


class NeumfConfig(ModelConfig):
    """Neural matrix factorization (He et al. 2017, section 3.4) that predicts the next item.

    Its GMF half has the factorization's columns beside learnt ones, and a bias of the item. An
    embedding of a user is the sum of embeddings of the latest items (see docs/training.md).
    """

    factors: int = Field(256, ge=1, le=1024, description="Width of what the GMF half learns")
    layers: list[int] = layers_field([16, 8])
    epochs: int = epochs_field(8)
    patience: int = Field(2, ge=1, description="Epochs without better validation NDCG@10 to stop")
    batch_size: int | None = Field(
        None, ge=1, description="Examples a step; without it a 128th of train's, 64 to 16,384"
    )
    learning_rate: float = learning_rate_field(0.005, "a tenth")
    negatives: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Random items that the examples of a step share; without it 512, fewer where an"
        " epoch would have more than 2^28 pairs of example and negative",
    )
    history_length: int = Field(
        12, ge=1, le=1000, description="Latest items of a user whose sum is the embedding"
    )
    factorization_scale: list[NotNegative] = Field(
        [2.5, 5.0, 10.0, 20.0, 40.0],
        min_length=1,
        description="Ascending values to try: logit that ials_model's score of 1 adds. Epochs are"
        " compared with the middle one, and the best is then searched for the chosen epoch",
    )
    ema_decay: float = Field(
        0.98,
        ge=0,
        lt=1,
        description="Share of the earlier steps in the mean of weights that is validated and kept",
    )

    _check_layers = field_validator("layers")(check_layers)

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return what decides most; iALS, around which it is built, has a search of its own."""
        return {
            "learning_rate": [0.001, 0.002, 0.005, 0.01],
            "factors": [128, 256],
            "negatives": [256, 512],
            "ema_decay": [0.95, 0.98],
        }

    def settings(self) -> Any:
        """Return the settings that say how to train."""
        from ncf_assets.ncf.training.next_item import NextItemSettings

        values = {f.name: getattr(self, f.name) for f in fields(NextItemSettings)}
        scales = self.factorization_scale
        return NextItemSettings(**values | {"factorization_scale": scales[len(scales) // 2]})


@fitted_model(IalsConfig)
def ials_model(run: AssetRun, config: IalsConfig) -> Fitted:
    """Fit factors of users and items in closed form: a baseline, and a part of NeuMF."""
    from ncf_assets.ncf.models import ials, model_selection
    from ncf_assets.orchestration.factorization import fitter

    best = model_selection.select(
        fitter(run.inputs, "choose", config.fitted_by),
        partial(ials.IalsSettings, config.factors, config.iterations, seed=config.seed),
        values_of(config, "regularization", "unobserved_ratio", "half_life"),
        validation(run.inputs, config.validation_users, config.seed),
    )
    model = fitter(run.inputs, config.evaluated_fit, config.fitted_by)(best.settings)
    fitted = chosen(best, {"users": model.users, "items": model.items})
    by_mllib = config.fitted_by == "mllib"
    return replace(fitted, packages=("scipy", "pyspark")) if by_mllib else fitted


@trained_model(GmfConfig)
def gmf_model(run: AssetRun, config: GmfConfig, fit: Fit) -> Training:
    """Build the weighted product of a user and an item embedding: matrix factorization."""
    from ncf_assets.ncf.models import neumf

    return _as_in_the_paper(
        run, config, fit, neumf.build_gmf(*run.sizes(), config.factors, config.seed)
    )


@trained_model(MlpConfig)
def mlp_model(run: AssetRun, config: MlpConfig, fit: Fit) -> Training:
    """Build a tower of dense layers over the concatenated user and item embeddings."""
    from ncf_assets.ncf.models import neumf

    return _as_in_the_paper(
        run, config, fit, neumf.build_mlp(*run.sizes(), config.layers, config.seed)
    )


@trained_model(NeumfScratchConfig)
def neumf_scratch_model(run: AssetRun, config: NeumfScratchConfig, fit: Fit) -> Training:
    """Build GMF and MLP side by side under one output, each with embeddings of its own."""
    from ncf_assets.ncf.models import neumf

    model = neumf.build_neumf(*run.sizes(), config.factors, config.layers, config.seed)
    return _as_in_the_paper(run, config, fit, model)


@trained_model(NeumfConfig, reads=["ials_model"])
def neumf_model(run: AssetRun, config: NeumfConfig, fit: Fit) -> Training:
    """Build NeuMF around the factorization, to learn what users choose next."""
    known, factors = interactions(run.inputs, fit), scorers.ials(run.inputs, fit)
    return next_item_training(run, known, factors, config, fit)


def next_item_training(
    run: AssetRun, known: Interactions, factors: Any, config: NeumfConfig, fit: Fit
) -> Training:
    """Return NeuMF's training on what a fit sees, around the factorization of that fit."""
    from ncf_assets.ncf.models import neumf
    from ncf_assets.ncf.training.epoch import n_steps
    from ncf_assets.ncf.training.next_item import NextItem, default_batch_size

    # as many steps in each fit, as the best epoch is chosen by that of train
    examples = run.inputs.rows("train") - run.inputs.rows("users")  # but each one's first
    steps = n_steps(examples, config.batch_size or default_batch_size(examples))
    shape = room(run.inputs, steps)
    objective = NextItem(known, factors, config.factors, config.settings(), shape)
    columns = NextItem.columns(factors, config.factors)
    model = neumf.build_neumf(known.n_users, known.n_items, columns, config.layers, config.seed)

    def choose(held_out: Any) -> dict[str, Any]:
        scale = objective.choose_scale(model, config.factorization_scale, held_out)
        return {"factorization_scale": scale}

    return Training(fit, model, objective, config.epochs, config.patience, choose)


def _as_in_the_paper(run: AssetRun, config: PaperConfig, fit: Fit, model: Any) -> Training:
    """Return a training on pairs against random negatives, in which other processes may share."""
    from ncf_assets.ncf.training.epoch import Pointwise, default_batch_size, n_steps
    from ncf_assets.ncf.training.training_data import read_pairs

    cluster, settings, (n_users, n_items) = join_cluster(), config.settings(), run.sizes()
    # as many steps in both fits, as the best epoch is chosen by that of train
    n, each = run.inputs.rows("train"), 1 + config.negatives_per_positive
    batch_size = config.batch_size or default_batch_size(n * each, n_items)
    shape = None if config.stream else room(run.inputs, n_steps(n, batch_size // each))
    share_training(cluster, run, model, settings, fit, stream=config.stream, room=shape)
    files = [run.inputs.file(split) for split in SPLITS[fit]]
    positives = read_pairs(files, n_users, n_items, config.stream, shape)
    objective = Pointwise(positives, n_items, settings, cluster, shape)
    return Training(fit, model, objective, config.epochs, config.patience, cluster=cluster)


@python_tables({"training_history": "train"}, reads=NETWORKS)
def training_history(run: AssetRun, _: NoConfig) -> None:
    """Copy each model's epochs from its record, without their times."""
    epochs = pd.DataFrame(recorded_epochs({name: run.inputs.record(name) for name in NETWORKS}))
    run.write("training_history", epochs[tables()["training_history"].schema.names])
