"""How a network becomes a Dagster asset: build, train on `train`, choose on `validation`, publish.

What the networks are is `ncf_assets.ncf.neumf`; how they are trained, `ncf_assets.ncf.training`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg

from ncf_assets.assets.learned_asset import (
    how_it_was_made,
    learned_asset,
    train_pairs,
    validation_lists,
)
from ncf_assets.assets.partition import Run
from ncf_assets.assets.resuming import Resuming
from ncf_assets.assets.teamwork import announce, join
from ncf_assets.assets.tensorboard import EventFiles
from ncf_assets.assets.tracking import Untracked, tracked
from ncf_assets.assets.training_config import TrainingConfig
from ncf_assets.warehouse import Stamp

SCIENCE = ("ncf_assets.ncf.training", "ncf_assets.ncf.warm_start")
PROBED_PAIRS = 256  # pairs on which a saved model must score as it did in training

Build = Callable[[Run, Any], Any]


def model_asset(
    name: str, config_type: type[TrainingConfig], reads: Iterable[str] = ()
) -> Callable[[Build], dg.AssetsDefinition]:
    """Make an asset of a function that builds the untrained network."""

    def wrap(build: Build) -> dg.AssetsDefinition:
        def work(run: Run, config: TrainingConfig) -> Iterator[Any]:
            team = join()
            model, resuming = build(run, config), Resuming(run, name)
            with tracked(run, name) as tracking:
                history = _train(run, name, model, config, resuming, tracking, team)
                yield from _publish(run, name, model, history)
                record = run.warehouse.file(name, run.dataset)
                model_file = run.warehouse.record(name, run.dataset)["file"]
                tracking.files(record, record.with_name(model_file))
            resuming.forget()

        return learned_asset(
            name,
            config_type,
            work,
            description=f"{config_type.__doc__}\n\n{build.__doc__}",
            reads=reads,
            kinds={"keras", "tensorflow"},
            code=(build.__module__, __name__, *SCIENCE),
            check=(
                f"{name}_scores_alike_when_loaded",
                "The saved file, loaded by stock Keras, scores finitely and as in training."
                " If not: report it with the versions in model.json.",
            ),
        )

    return wrap


def _train(
    run: Run,
    asset: str,
    model: Any,
    config: TrainingConfig,
    resuming: Resuming,
    tracking: Untracked,
    team: Any,
) -> list[Any]:
    """Fit the network in place, or go on with it; the epochs."""
    from ncf_assets.ncf import training
    from ncf_assets.ncf.history import describe

    events = EventFiles(run, asset)

    def on_epoch(progress: training.Progress) -> None:
        run.context.log.info(describe(progress.history, config.epochs))
        resuming.save(progress)
        events.write(progress.history[-1])
        tracking.epoch(progress.history[-1])

    resumed = resuming.load()
    for epoch in resumed.history if resumed else ():
        events.write(epoch)
        tracking.epoch(epoch)
    settings = config.settings()
    if team:
        announce(team, run, model, settings)
    history = training.train(model, _examples(run), settings, on_epoch, resumed, team)
    events.close()
    return history


def _examples(run: Run) -> Any:
    """What to train on and to choose by."""
    from ncf_assets.ncf.examples import Examples, StreamedExamples

    lists = validation_lists(run.inputs)
    if run.config["stream"]:
        return StreamedExamples(run.inputs.files["train"], *lists)
    return Examples(*train_pairs(run.inputs), *lists)


def _publish(
    run: Run, asset: str, model: Any, history: list[Any]
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
        facts = {
            **how_it_was_made(run, ("tensorflow", "keras", "numpy")),
            "history": [asdict(epoch) for epoch in history],
            **_exported(run, asset, model, stamp),
        }
        file = run.warehouse.publish_model(asset, run.dataset, path, stamp, facts)
    yield _materialized(run, stamp, file, history)


def _exported(run: Run, asset: str, model: Any, stamp: Stamp) -> dict[str, str]:
    """Put a SavedModel in place if it is asked for; its name, for the record."""
    if not run.config["saved_model"]:
        return {}
    with run.warehouse.saved_model(asset, run.dataset, stamp.content) as folder:
        model.export(folder, verbose=False)
    return {"saved_model": run.warehouse.saved_model_name(asset, stamp.content)}


def _materialized(
    run: Run, stamp: Stamp, file: Any, history: list[Any]
) -> dg.MaterializeResult[Any]:
    """What the Dagster UI shows of a published model."""
    from ncf_assets.ncf.history import best_epoch

    best = asdict(best_epoch(history))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(stamp.content),
        metadata={
            "dagster/uri": dg.MetadataValue.path(str(file)),
            "parameters": stamp.rows,
            "epochs": len(history) - 1,
            "chosen epoch": best["epoch"],
            "content hash": stamp.content,
            # of the last epoch, as the first compiles; a training of none has epoch 0 alone
            "examples per second": float(history[-1].examples_per_second or 0),
            **run.effort.so_far(),
            **{
                name: best[name]
                for name in ("validation_hr_at_10", "validation_ndcg_at_10")
                if best[name] is not None
            },
        },
    )
