"""How a network becomes an asset: trained to choose an epoch, and again on more interactions.

A network is checked and recorded when it is published. How networks are trained is in
`ncf_assets.ncf.training`; what each fit sees, in `fits`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import dagster as dg
import pandas as pd

from ncf_assets.ncf.training.cluster import ONE_PROCESS, Cluster
from ncf_assets.orchestration.checkpoints import CheckpointStore, Chosen
from ncf_assets.orchestration.code_version import code_version
from ncf_assets.orchestration.fits import TRAINING_INPUTS, Fit, validation
from ncf_assets.orchestration.metadata import table_metadata
from ncf_assets.orchestration.mlflow_tracking import Tracker, tracked
from ncf_assets.orchestration.models import (
    ModelConfig,
    ModelFactory,
    model_factory,
    model_metadata,
    nothing_to_search,
    searched,
    settings_metadata,
)
from ncf_assets.orchestration.partitions import AssetFactory
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tensorboard import EventFiles
from ncf_assets.warehouse.provenance import Provenance

PROBED_PAIRS = 256  # pairs on which a saved model must score as it did in training
FOLD_IN = ".fold_in"  # the suffix of the file that folds users in
KINDS = {"keras", "tensorflow"}
ConfigType = TypeVar("ConfigType", bound=dg.Config)


@dataclass(frozen=True)
class Training:
    """An untrained network, and what it is to learn from the interactions of one fit."""

    fit: Fit
    model: Any  # keras.Model
    objective: Any  # training.loop.Objective
    epochs: int
    patience: int
    # chooses settings for the trained model on a Validation, which the next fits take over
    choose: Callable[[Any], Mapping[str, Any]] = lambda _: {}
    cluster: Cluster = ONE_PROCESS  # the processes that share it
    # returns what folds users in (models.fold_in.FoldIn), from the trained weights
    fold_in: Callable[[Mapping[str, Any]], Any] | None = None


@dataclass(frozen=True)
class Trained:
    """A trained network, the epochs of its own fit, and what an earlier fit chose."""

    model: Any
    fit: Fit
    history: Sequence[Any]  # training.epochs.Epoch
    chosen: Chosen
    fold_in: Any = None  # models.fold_in.FoldIn, of a model that serves


BuildTraining = Callable[[AssetRun, Any, Fit], Training]


@dataclass(frozen=True)
class NetworkFactory(ModelFactory):
    """Builds the asset of a network, and trains the network for other assets as well."""

    build_training: BuildTraining

    def train(self, run: AssetRun, config: Mapping[str, Any]) -> Trained:
        """Train by a configuration as its own asset does, for another asset.

        Nothing is recorded of it and no training resumed; it writes lines to the run's log alone.
        """
        settings = self.config_type(**config)
        return _train(run, Fitting(run), self.build_training, settings)


def trained_model(
    config_type: type[ModelConfig], reads: Iterable[str] = ()
) -> Callable[[BuildTraining], NetworkFactory]:
    """Make an asset of a function that builds the training of a fit, named like the function.

    `reads` are the assets that it reads besides TRAINING_INPUTS.
    """

    def wrap(build: BuildTraining) -> NetworkFactory:
        name = build.__name__

        def work(run: AssetRun, config: Any) -> Iterator[Any]:
            with tracked(run, name) as tracker:
                trained = _train(run, RecordedFitting(run, name, tracker), build, config)
                yield from _publish(run, name, trained, tracker)

        upstream = (*TRAINING_INPUTS, *reads)
        version = code_version(build, trained_model)
        made = _network_factory(build, config_type, work, upstream, version)

        def validate(run: AssetRun, config: ModelConfig, on_epoch: Any) -> Any:
            return _validated(run, build(run, config, "choose"), config, on_epoch)

        return NetworkFactory(
            made.assets, made.reads, made.build, version, config_type, validate, build
        )

    return wrap


def serving_model(
    config_type: type[dg.Config], reads: Iterable[str]
) -> Callable[[Callable[[AssetRun, Any], tuple[Training, Chosen]]], AssetFactory]:
    """Make an asset of a function that builds a training, and says what was chosen for it."""

    def wrap(build: Callable[[AssetRun, Any], tuple[Training, Chosen]]) -> AssetFactory:
        name = build.__name__

        def work(run: AssetRun, config: Any) -> Iterator[Any]:
            with tracked(run, name) as tracker:
                training, chosen = build(run, config)
                fitting = RecordedFitting(run, name, tracker)
                history = fitting.to_epoch(training, chosen)
                fold_in = training.fold_in(fitting.weights) if training.fold_in else None
                trained = Trained(training.model, training.fit, history, chosen, fold_in)
                yield from _publish(run, name, trained, tracker)

        version = code_version(build, serving_model)
        return _network_factory(build, config_type, work, reads, version, group="serve")

    return wrap


def _network_factory(
    build: Callable[..., Any],
    config_type: type[dg.Config],
    work: Callable[[AssetRun, Any], Iterator[Any]],
    reads: Iterable[str],
    version: str,
    group: str = "train",
) -> AssetFactory:
    check = (
        f"{build.__name__}_scores_alike_when_loaded",
        "The saved file, loaded by stock Keras, scores finitely and as in training."
        " If not: report it with the versions in model.json.",
    )
    return model_factory(build, config_type, work, reads, KINDS, version, check, group)


def _train(run: AssetRun, fitting: "Fitting", build: BuildTraining, config: ModelConfig) -> Trained:
    """Choose on validation, and train again with what was chosen where that is asked for."""
    chosen = fitting.chosen
    if not chosen:
        training = build(run, config, "choose")
        held_out = validation(run.inputs, config.validation_users, config.seed)
        history = fitting.to_best_epoch(training, held_out)
        chosen = Chosen(history, training.choose(held_out))
        if not config.refit:
            return Trained(training.model, training.fit, history, chosen)
        del training  # its memory is needed for the next
    training = build(run, with_chosen(config, chosen.settings), "test")
    history = fitting.to_epoch(training, chosen)
    return Trained(training.model, training.fit, history, chosen)


def _validated(run: AssetRun, training: Training, config: ModelConfig, on_epoch: Any) -> Any:
    """Train on train; return the best epoch from 1 on."""
    from ncf_assets.ncf.training import loop
    from ncf_assets.ncf.training.epochs import best_epoch
    from ncf_assets.ncf.training.tuning import Tried

    def report(state: Any) -> None:
        last = state.history[-1]
        on_epoch(last.epoch, last.validation_ndcg_at_10 or 0.0)

    held_out = validation(run.inputs, config.validation_users, config.seed)
    if held_out.empty:
        raise nothing_to_search()
    how_long = training.epochs, training.patience
    history = loop.train(training.model, training.objective, held_out, *how_long, report)
    best = best_epoch(history[1:])
    return Tried(best.validation_ndcg_at_10 or 0.0, best.validation_hr_at_10, best.epoch)


def with_chosen(config: ConfigType, settings: Mapping[str, Any]) -> ConfigType:
    """Return a configuration whose lists of values to try have the chosen value alone."""
    return config.model_copy(update={name: [value] for name, value in settings.items()})


class Fitting:
    """The fits of one network, one after the other, with a line in the log for each epoch."""

    def __init__(self, run: AssetRun) -> None:
        self._run = run
        self.chosen: Chosen | None = None  # by a fit that ended before an interruption

    def to_best_epoch(self, training: Training, held_out: Any) -> list[Any]:
        """Train in place, to the epoch that does best on validation; return all epochs."""
        history = self._train(training, held_out, training.epochs, None)
        last, kept = history[-1].epoch, Chosen(history, {}).epoch
        early = f"stopped early after epoch {last}, " if last < training.epochs else ""
        self._run.context.log.info(f"{training.fit}, {early}epoch {kept} kept")
        return history

    def to_epoch(self, training: Training, chosen: Chosen) -> list[Any]:
        """Train in place to the epoch that was chosen; return the epochs."""
        from ncf_assets.ncf.evaluation.validation import nothing_held_out

        _, n_items = self._run.sizes()
        return self._train(training, nothing_held_out(n_items), chosen.epoch, chosen)

    def _train(
        self, training: Training, held_out: Any, n_epochs: int, chosen: Chosen | None
    ) -> list[Any]:
        from ncf_assets.ncf.training import loop
        from ncf_assets.ncf.training.epochs import describe

        def on_epoch(state: Any) -> None:
            progress = describe(state.history, n_epochs)
            self._run.context.log.info(f"{training.fit}, {progress}")
            self._record(training.fit, chosen, state)

        history = loop.train(
            training.model,
            training.objective,
            held_out,
            n_epochs,
            training.patience,
            on_epoch,
            self._begin(training.fit),
            training.cluster,
        )
        self._end()
        return history

    def _begin(self, fit: Fit) -> Any:
        """Begin to record a fit; return its state if it was interrupted."""

    def _record(self, fit: Fit, chosen: Chosen | None, state: Any) -> None:
        """Record an epoch."""

    def _end(self) -> None:
        """End the record of a fit."""


class RecordedFitting(Fitting):
    """Also writes checkpoints and curves; the fit that was interrupted goes on where it was."""

    def __init__(self, run: AssetRun, asset: str, tracker: Tracker) -> None:
        super().__init__(run)
        self._asset, self._tracker = asset, tracker
        self._checkpoints = CheckpointStore(run, asset)
        self._interrupted = self._checkpoints.load()
        self._events: EventFiles | None = None  # of the fit that runs
        self.weights: Mapping[str, Any] = {}  # the best so far, as the objective trains them
        if self._interrupted and self._interrupted.chosen:
            self.chosen = self._interrupted.chosen
            self._events = EventFiles(run, asset, "choose")
            for epoch in self.chosen.history:
                self._show(epoch, "choose")
            self._end()

    def _begin(self, fit: Fit) -> Any:
        self._events = EventFiles(self._run, self._asset, fit)
        if not self._interrupted or self._interrupted.fit != fit:
            return None
        resumed, self._interrupted = self._interrupted.state, None
        self.weights = resumed.best
        for epoch in resumed.history:
            self._show(epoch, fit)
        return resumed

    def _record(self, fit: Fit, chosen: Chosen | None, state: Any) -> None:
        self._checkpoints.save(fit, chosen, state)
        self.weights = state.best
        self._show(state.history[-1], fit)

    def _show(self, epoch: Any, fit: Fit) -> None:
        """Add an epoch to the curves."""
        if self._events:
            self._events.write(epoch)
        self._tracker.log_epoch(epoch, fit)

    def _end(self) -> None:
        if self._events:
            self._events.close()


def _publish(run: AssetRun, asset: str, trained: Trained, tracker: Tracker) -> Iterator[Any]:
    """Save the network, load it again, and put it in place if it scores the same."""
    from ncf_assets.ncf.models import neumf

    model = trained.model
    provenance = Provenance(
        content_hash=neumf.weights_hash(model), rows=model.count_params(), **run.provenance(asset)
    )
    with (
        run.warehouse.stage_model(asset, run.dataset) as path,
        run.warehouse.stage_model(asset, run.dataset, FOLD_IN) as beside,
    ):
        model.save(path)
        if trained.fold_in:
            trained.fold_in.save(beside)
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
        run.check_publishable()
        record = {
            **model_metadata(run, ("tensorflow", "keras"), trained.fit),
            "chosen_epoch": trained.chosen.epoch,
            **trained.chosen.as_record(),
            **_searched(run, asset, trained.chosen),
            "history": [asdict(epoch) for epoch in trained.history],
            **_export(run, asset, model),
        }
        files = [path, beside] if trained.fold_in else [path]
        file = run.warehouse.publish_model(
            asset, run.dataset, files, provenance, record, run.seen[asset]
        )
    saved = run.warehouse.beside(asset, run.dataset, file.name)
    tracker.log_artifacts(run.warehouse.existing(asset, run.dataset), saved)
    CheckpointStore(run, asset).delete()
    yield _materialized(run, asset, provenance, file, trained, record)


def _searched(run: AssetRun, asset: str, chosen: Chosen) -> dict[str, Any]:
    """Return what the record says of the search for epochs and settings, if this asset made it.

    Each epoch that was validated is a try.
    """
    if "epochs" not in run.config:
        return {}
    space = {"epochs": list(range(run.config["epochs"] + 1))}
    space |= {name: run.config[name] for name in chosen.settings}
    n_tried = sum(epoch.validation_ndcg_at_10 is not None for epoch in chosen.history)
    return searched(run, asset, space, {"epochs": chosen.epoch, **chosen.settings}, n_tried)


def _export(run: AssetRun, asset: str, model: Any) -> dict[str, str]:
    """Put a SavedModel in place if it is asked for; return its name, for the record."""
    if not run.config.get("saved_model"):
        return {}
    with run.warehouse.saved_model(asset, run.dataset) as (folder, name):
        model.export(folder, verbose=False)
    return {"saved_model": name}


def _materialized(
    run: AssetRun,
    asset: str,
    provenance: Provenance,
    file: Any,
    trained: Trained,
    record: Mapping[str, Any],
) -> dg.MaterializeResult[Any]:
    """Return what the Dagster UI shows of a published network."""
    settings = {"epochs": trained.chosen.epoch, **trained.chosen.settings}
    events = run.warehouse.paths.tensorboard(asset, run.dataset)
    chosen = trained.chosen.history[trained.chosen.epoch]
    figures = {
        "validation HR@10": chosen.validation_hr_at_10,
        "validation NDCG@10": chosen.validation_ndcg_at_10,
    }
    return dg.MaterializeResult(
        data_version=dg.DataVersion(provenance.content_hash),
        metadata={
            "file": dg.MetadataValue.path(run.warehouse.published.name(file)),
            "fit": trained.fit,
            "parameters": provenance.rows,
            "chosen epoch": trained.chosen.epoch,
            **{name: round(value, 4) for name, value in figures.items() if value is not None},
            **settings_metadata(run.config, settings, record),
            "epochs": _epochs_metadata(trained.chosen.history, trained.chosen.epoch),
            "TensorBoard": f"tensorboard --logdir {events}",
            "content hash": provenance.content_hash,
            # of the last epoch, as the first compiles; a training of none has epoch 0 alone
            "examples per second": round(trained.history[-1].examples_per_second or 0),
            **run.usage.as_metadata(),
        },
    )


def _epochs_metadata(history: Sequence[Any], chosen: int) -> dg.TableMetadataValue:
    """Return the training curve as a table, with a mark at the epoch that was chosen."""
    rows = [
        {
            "epoch": epoch.epoch,
            "loss": epoch.loss,
            "validation HR@10": epoch.validation_hr_at_10,
            "validation NDCG@10": epoch.validation_ndcg_at_10,
            "chosen": "yes" if epoch.epoch == chosen else "",
        }
        for epoch in history
    ]
    return table_metadata(pd.DataFrame(rows))
