"""How a network becomes a Dagster asset: build, train on `train`, choose on `validation`, publish.

What the networks are is `ncf_assets.ncf.neumf`; how they are trained, `ncf_assets.ncf.training`.
"""

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from importlib import metadata
from typing import Any

import dagster as dg
import numpy as np
from pydantic import Field

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import DATASETS, Run, check_spec, settings_of
from ncf_assets.assets.resuming import Resuming
from ncf_assets.assets.table_asset import OWNERS
from ncf_assets.assets.tensorboard import EventFiles
from ncf_assets.warehouse import Stamp, Warehouse

SCIENCE = tuple(
    f"ncf_assets.ncf.{module}"
    for module in (
        "epoch",
        "metrics",
        "neumf",
        "pair_logits",
        "randomness",
        "ranking",
        "sampling",
        "training",
        "training_negatives",
    )
)
PROBED_PAIRS = 256  # pairs on which a saved model must score as it did in training


class TrainingConfig(dg.Config):
    """What all networks have in common."""

    seed: int = Field(2017, ge=0, description="Seed of initial weights, negatives and shuffling")
    epochs: int = Field(20, ge=1, le=1000, description="Epochs at most; `patience` may end it")
    patience: int = Field(5, ge=1, description="Epochs without better validation NDCG@10 to stop")
    batch_size: int | None = Field(
        None,
        ge=2,
        description="Examples a step; without it a 256th to a 128th of an epoch's, 256 to 65,536",
    )
    learning_rate: float = Field(
        0.004, gt=0, le=1, description="Adam's rate at the start; it falls to 0 in a line"
    )
    negatives_per_positive: int = Field(
        4, ge=1, le=100, description="Random unseen items for each interaction, fresh each epoch"
    )
    l2: float = Field(0.01, ge=0, le=1, description="Penalty on the embeddings of each example")
    averaging: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the earlier epochs in the mean of weights that is validated and kept",
    )
    saved_model: bool = Field(
        False, description="Export a TensorFlow SavedModel for TF Serving as well"
    )

    def settings(self) -> Any:
        """Those of them that say how to train, as TrainingSettings."""
        from ncf_assets.ncf.training import TrainingSettings

        return TrainingSettings(**{f.name: getattr(self, f.name) for f in fields(TrainingSettings)})


Build = Callable[[Run, Any], Any]


def model_asset(
    name: str, config_type: type[TrainingConfig], reads: Iterable[str] = ()
) -> Callable[[Build], dg.AssetsDefinition]:
    """Make an asset of a function that builds the untrained network."""
    upstream = ["users", "items", "train", "validation", "negatives", *reads]

    def wrap(build: Build) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            deps=upstream,
            group_name="train",
            kinds={"keras", "tensorflow"},
            owners=OWNERS,
            description=f"{config_type.__doc__}\n\n{build.__doc__}",
            partitions_def=DATASETS,
            code_version=code_version(build.__module__, __name__, *SCIENCE),
            check_specs=[
                check_spec(
                    name,
                    f"{name}_scores_alike_when_loaded",
                    "The saved file, loaded by stock Keras, scores finitely and as in training."
                    " If not: report it with the versions in model.json.",
                )
            ],
        )
        def body(
            context: dg.AssetExecutionContext,
            config: config_type,  # type: ignore[valid-type]
            warehouse: dg.ResourceParam[Warehouse],
        ) -> Iterator[Any]:
            with told(context, warehouse, (name,)):
                inputs = Inputs.of_one_lineage(warehouse, context.partition_key, upstream)
                run = Run(context, warehouse, inputs, settings_of(config))
                model = build(run, config)
                history = _train(run, name, model, config)
                yield from _publish(run, name, model, history)
                Resuming(run, name).forget()

        return body

    return wrap


def _train(run: Run, asset: str, model: Any, config: TrainingConfig) -> list[dict[str, Any]]:
    """Fit the network in place, or go on with it; the epochs as plain dictionaries."""
    from ncf_assets.ncf import training

    resuming, events = Resuming(run, asset), EventFiles(run, asset)

    def on_epoch(progress: training.Progress) -> None:
        run.context.log.info(training.describe(progress.history, config.epochs))
        resuming.save(progress)
        events.write(progress.history[-1])

    resumed = resuming.load()
    for epoch in resumed.history if resumed else ():
        events.write(epoch)
    history = training.train(model, _examples(run.inputs), config.settings(), on_epoch, resumed)
    events.close()
    return [asdict(epoch) for epoch in history]


def _examples(inputs: Inputs) -> Any:
    """What the network learns from and is chosen by."""
    from ncf_assets.ncf.training import Examples

    train = inputs.read("train", ["user", "item"])
    return Examples(train["user"].to_numpy(), train["item"].to_numpy(), *validation_lists(inputs))


def validation_lists(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Users [n] and their candidates [n, 1 + negatives], the held-out item first."""
    held_out = inputs.read("validation", ["user", "item"])
    negatives = inputs.read("negatives", ["split", "item"])
    drawn = negatives.loc[negatives["split"] == "validation", "item"].to_numpy()
    items = held_out["item"].to_numpy()
    # of one lineage, both tables have the same users in order, and each as many negatives
    lists = np.column_stack([items, drawn.reshape(len(items), len(drawn) // max(1, len(items)))])
    return held_out["user"].to_numpy(), lists


def _publish(
    run: Run, asset: str, model: Any, history: list[dict[str, Any]]
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Save the network, load it again, and put it in place if it scores the same."""
    from ncf_assets.ncf import neumf

    stamp = Stamp(
        content=neumf.weights_hash(model)[:16], rows=model.count_params(), **run.origin(asset)
    )
    with run.warehouse.unsaved_model(asset, run.dataset) as path:
        model.save(path)
        difference = neumf.difference(model, neumf.load(path), PROBED_PAIRS)
        alike = bool(difference == 0)
        yield dg.AssetCheckResult(
            check_name=f"{asset}_scores_alike_when_loaded",
            passed=alike,
            metadata={"largest difference": difference},
        )
        if not alike:
            raise dg.Failure(
                f"{asset} of dataset {run.dataset} was not published: its saved file differs from"
                f" the trained network by {difference} in a score",
                allow_retries=False,
            )
        run.inputs.check_unchanged()
        facts = _facts(run, history) | _exported(run, asset, model, stamp)
        file = run.warehouse.publish_model(asset, run.dataset, path, stamp, facts)
    yield _materialized(stamp, file, history)


def _exported(run: Run, asset: str, model: Any, stamp: Stamp) -> dict[str, str]:
    """Put a SavedModel in place if it is asked for; its name, for the record."""
    if not run.config["saved_model"]:
        return {}
    with run.warehouse.saved_model(asset, run.dataset, stamp.content) as folder:
        model.export(folder, verbose=False)
    return {"saved_model": run.warehouse.saved_model_name(asset, stamp.content)}


def _facts(run: Run, history: list[dict[str, Any]]) -> dict[str, Any]:
    """What model.json says beside the file's name and the stamp."""
    packages = ("ncf-assets", "tensorflow", "keras", "numpy")
    return {
        "configuration": dict(run.config),
        "seed": run.config["seed"],
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in packages},
        },
        "trained_on": run.inputs.hashes,
        "history": history,
    }


def _materialized(
    stamp: Stamp, file: Any, history: list[dict[str, Any]]
) -> dg.MaterializeResult[Any]:
    """What the Dagster UI shows of a published model."""
    scored = [epoch for epoch in history if epoch["validation_ndcg_at_10"] is not None]
    best = max(scored, key=lambda epoch: epoch["validation_ndcg_at_10"], default=history[-1])
    return dg.MaterializeResult(
        data_version=dg.DataVersion(stamp.content),
        metadata={
            "dagster/uri": dg.MetadataValue.path(str(file)),
            "parameters": stamp.rows,
            "epochs": len(history) - 1,
            "chosen epoch": best["epoch"],
            "seconds": sum(epoch["seconds"] for epoch in history),
            "content hash": stamp.content,
            **{
                name: best[name]
                for name in ("validation_hr_at_10", "validation_ndcg_at_10")
                if best[name] is not None
            },
        },
    )
