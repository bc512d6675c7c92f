"""How a model becomes an asset: `trained_model` epoch by epoch, `fitted_model` in one go.

Both read one lineage, check what they are about to publish, and record how it was made. What the
models are is in `ncf_assets.ncf.models`, how networks are trained in `ncf_assets.ncf.training`.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

import dagster as dg
import numpy as np
from pydantic import Field

from ncf_assets.hashing import hash_arrays, hash_text
from ncf_assets.ncf.random_streams import rng
from ncf_assets.orchestration.checkpoints import CheckpointStore
from ncf_assets.orchestration.code_version import code_version
from ncf_assets.orchestration.distributed import broadcast_task, join_cluster
from ncf_assets.orchestration.mlflow_tracking import Tracker, tracked
from ncf_assets.orchestration.partitions import (
    OWNERS,
    WHEN_UPSTREAM_IS_NEW,
    AssetFactory,
    Partitions,
    check_spec,
)
from ncf_assets.orchestration.publish import AssetRun, asset_run
from ncf_assets.orchestration.tensorboard import EventFiles
from ncf_assets.orchestration.training_inputs import (
    TRAINING_INPUTS,
    train_interactions,
    validation_candidates,
)
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

PROBED_PAIRS = 256  # pairs on which a saved model must score as it did in training


class FitConfig(dg.Config):
    """What all fitted models have in common: their settings are chosen on validation."""

    seed: int = Field(2017, ge=0, description="Seed of the draw of validation users")
    validation_users: int = Field(
        10_000, ge=1, description="Validation users at most on which settings are chosen"
    )


@dataclass(frozen=True)
class Fitted:
    """A fitted model: the arrays of its file and the metrics of its record.

    `skipped` is the reason where there is no model.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    skipped: str | None = None

    @property
    def content_hash(self) -> str:
        """The hash of all arrays, or of the reason that there are none."""
        return hash_text(self.skipped) if self.skipped else hash_arrays(self.arrays)


Build = Callable[[AssetRun, Any], Any]
Fit = Callable[[AssetRun, Any], Fitted]
Work = Callable[[AssetRun, Any], Iterator[Any]]


def trained_model(
    config_type: type[dg.Config], reads: Iterable[str] = ()
) -> Callable[[Build], AssetFactory]:
    """Make an asset of a function that builds an untrained network, named like the function.

    `reads` are the assets that it reads besides TRAINING_INPUTS.
    """

    def wrap(build: Build) -> AssetFactory:
        name = build.__name__

        def work(run: AssetRun, config: Any) -> Iterator[Any]:
            model = build(run, config)
            checkpoints = CheckpointStore(run, name, model)
            with tracked(run, name) as tracker:
                history = _train(run, name, model, config, checkpoints, tracker)
                yield from _publish_network(run, name, model, history)
                record_file = run.warehouse.paths.file(name, run.dataset)
                model_file = run.warehouse.record(name, run.dataset)["file"]
                tracker.log_artifacts(record_file, record_file.with_name(model_file))
            checkpoints.delete()

        check = (
            f"{name}_scores_alike_when_loaded",
            "The saved file, loaded by stock Keras, scores finitely and as in training."
            " If not: report it with the versions in model.json.",
        )
        version = code_version(build, trained_model)
        return _model_factory(
            build, config_type, work, reads, {"keras", "tensorflow"}, version, check
        )

    return wrap


def fitted_model(config_type: type[FitConfig]) -> Callable[[Fit], AssetFactory]:
    """Make an asset of a function that fits a model in one go, named like the function."""

    def wrap(fit: Fit) -> AssetFactory:
        def work(run: AssetRun, config: Any) -> Iterator[Any]:
            yield from _publish_fitted(run, fit.__name__, fit(run, config))

        check = (
            f"{fit.__name__}_is_finite",
            "Every number of the fitted model is finite. If not: report it with the dataset and"
            " the settings of its model.json.",
        )
        return _model_factory(
            fit, config_type, work, (), {"numpy"}, code_version(fit, fitted_model), check
        )

    return wrap


def sample_validation_candidates(run: AssetRun, config: FitConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the validation candidates of all users, or of as many as asked for, drawn."""
    users, lists = validation_candidates(run.inputs)
    drawn = rng(config.seed, "validation users").permutation(users.size)
    some = np.sort(drawn[: config.validation_users])
    return users[some], lists[some]


def _model_factory(
    function: Callable[..., Any],
    config_type: type[dg.Config],
    work: Work,
    reads: Iterable[str],
    kinds: set[str],
    version: str,
    check: tuple[str, str],
) -> AssetFactory:
    """Wrap `(run, config) -> check results and the materialization` into an asset."""
    name, upstream = function.__name__, (*TRAINING_INPUTS, *reads)

    def build(partitions: Partitions) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            deps=upstream,
            group_name="train",
            kinds=kinds,
            owners=OWNERS,
            tags={"makes": "model"},
            automation_condition=WHEN_UPSTREAM_IS_NEW,
            description=f"{config_type.__doc__}\n\n{function.__doc__}",
            partitions_def=partitions,
            code_version=version,
            check_specs=[check_spec(name, *check, partitions)],
        )
        def body(
            context: dg.AssetExecutionContext,
            config: config_type,  # type: ignore[valid-type]
            warehouse: dg.ResourceParam[Warehouse],
        ) -> Iterator[Any]:
            settings, dataset = config.model_dump(), context.partition_key  # type: ignore[attr-defined]
            with asset_run(context, warehouse, upstream, settings, dataset, assets=(name,)) as run:
                join_cluster()  # before any work, as other models start TensorFlow too
                yield from work(run, config)

        return body

    return AssetFactory(build)


def _train(
    run: AssetRun,
    asset: str,
    model: Any,
    config: Any,
    checkpoints: CheckpointStore,
    tracker: Tracker,
) -> list[Any]:
    """Fit the network in place, or resume its training; return the epochs."""
    from ncf_assets.ncf.training import loop
    from ncf_assets.ncf.training.epochs import describe

    events = EventFiles(run, asset)

    def on_epoch(state: loop.TrainingState) -> None:
        run.context.log.info(describe(state.history, config.epochs))
        checkpoints.save(state)
        events.write(state.history[-1])
        tracker.log_epoch(state.history[-1])

    resumed = checkpoints.load()
    for epoch in resumed.history if resumed else ():
        events.write(epoch)
        tracker.log_epoch(epoch)
    settings, cluster = config.settings(), join_cluster()
    broadcast_task(cluster, run, model, settings)
    history = loop.train(model, _training_data(run), settings, on_epoch, resumed, cluster)
    events.close()
    return history


def _training_data(run: AssetRun) -> Any:
    """Return what to train on and to choose the epoch by."""
    from ncf_assets.ncf.training.training_data import StreamedTrainingData, TrainingData

    candidates = validation_candidates(run.inputs)
    if run.config["stream"]:
        return StreamedTrainingData(run.inputs.files["train"], *candidates)
    return TrainingData(*train_interactions(run.inputs), *candidates)


def _publish_network(run: AssetRun, asset: str, model: Any, history: list[Any]) -> Iterator[Any]:
    """Save the network, load it again, and put it in place if it scores the same."""
    from ncf_assets.ncf.models import neumf

    provenance = Provenance(
        content_hash=neumf.weights_hash(model), rows=model.count_params(), **run.provenance(asset)
    )
    with run.warehouse.stage_model(asset, run.dataset) as path:
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
        record = {
            **model_metadata(run, ("tensorflow", "keras", "numpy")),
            "history": [asdict(epoch) for epoch in history],
            **_export(run, asset, model, provenance),
        }
        file = run.warehouse.publish_model(asset, run.dataset, path, provenance, record)
    yield _materialized_network(run, provenance, file, history)


def _export(run: AssetRun, asset: str, model: Any, provenance: Provenance) -> dict[str, str]:
    """Put a SavedModel in place if it is asked for; return its name, for the record."""
    if not run.config["saved_model"]:
        return {}
    with run.warehouse.saved_model(asset, run.dataset, provenance.content_hash) as folder:
        model.export(folder, verbose=False)
    name = run.warehouse.paths.saved_model_name(asset, provenance.content_hash)
    return {"saved_model": name}


def _materialized_network(
    run: AssetRun, provenance: Provenance, file: Any, history: list[Any]
) -> dg.MaterializeResult[Any]:
    """Return what the Dagster UI shows of a published network."""
    from ncf_assets.ncf.training.epochs import best_epoch

    best = asdict(best_epoch(history))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(provenance.content_hash),
        metadata={
            "dagster/uri": dg.MetadataValue.path(str(file)),
            "parameters": provenance.rows,
            "epochs": len(history) - 1,
            "chosen epoch": best["epoch"],
            "content hash": provenance.content_hash,
            # of the last epoch, as the first compiles; a training of none has epoch 0 alone
            "examples per second": float(history[-1].examples_per_second or 0),
            **run.usage.as_metadata(),
            **{
                name: best[name]
                for name in ("validation_hr_at_10", "validation_ndcg_at_10")
                if best[name] is not None
            },
        },
    )


def _publish_fitted(run: AssetRun, asset: str, fitted: Fitted) -> Iterator[Any]:
    """Check that all numbers are finite, and put file and record in place."""
    finite = all(np.isfinite(values).all() for values in fitted.arrays.values())
    yield dg.AssetCheckResult(check_name=f"{asset}_is_finite", passed=bool(finite))
    if not finite:
        raise dg.Failure(
            f"{asset} of dataset {run.dataset} was not published: some of its numbers are not"
            " finite. Report it with the dataset and this run's configuration.",
            allow_retries=False,
        )
    n_numbers = sum(values.size for values in fitted.arrays.values())
    provenance = Provenance(
        content_hash=fitted.content_hash, rows=n_numbers, **run.provenance(asset)
    )
    run.inputs.check_unchanged()
    record = {
        **model_metadata(run, ("numpy", "scipy")),
        **fitted.metrics,
        "skipped": fitted.skipped,
    }
    if fitted.skipped:
        record |= {"file": None, "provenance": provenance.to_json()}
        run.warehouse.publish_record(asset, run.dataset, record)
        shown: dict[str, Any] = {"skipped": fitted.skipped}
    else:
        with run.warehouse.stage_model(asset, run.dataset, ".npz") as path:
            np.savez(path, allow_pickle=False, **fitted.arrays)
            file = run.warehouse.publish_model(asset, run.dataset, path, provenance, record)
        shown = {"dagster/uri": dg.MetadataValue.path(str(file))}
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(provenance.content_hash),
        metadata={
            **shown,
            **fitted.metrics,
            "numbers": n_numbers,
            "content hash": provenance.content_hash,
            **run.usage.as_metadata(),
        },
    )


def model_metadata(run: AssetRun, packages: Iterable[str]) -> dict[str, Any]:
    """Return what any model.json says besides the file's name and the provenance."""
    return {
        "configuration": dict(run.config),
        "seed": run.config["seed"],
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("ncf-assets", *packages)},
        },
        "trained_on": run.inputs.hashes,
    }
