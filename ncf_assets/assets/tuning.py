"""Tuning: a search for NeuMF's training settings on validation. Not part of `everything`.

How settings are searched is in `ncf_assets.ncf.training.tuning`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pyarrow as pa
from pydantic import Field, field_validator

from ncf_assets.assets.train import NeumfConfig, next_item_training
from ncf_assets.hashing import hash_json
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.fits import TRAINING_INPUTS, interactions, validation
from ncf_assets.orchestration.metadata import inline_plot
from ncf_assets.orchestration.models import ModelConfig
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.staleness import SEARCH
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.tables import tables

if TYPE_CHECKING:  # Optuna and TensorFlow must not load with the code location
    from ncf_assets.ncf.training.tuning import Search

SETTINGS = ("learning_rate", "factors", "negatives", "ema_decay")
MODEL = f"{EVALUATED_MODEL}_model"  # whose settings they are


class TuningConfig(ModelConfig):
    """What is tried, and how often."""

    trials: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Trainings in all, those given up and those of before included; without any,"
        " as by `Materialize all`, the table shows what has been searched so far",
    )
    epochs: int = Field(8, ge=1, le=1000, description="Epochs of each at most")
    learning_rate: list[float] = Field([1e-3, 1e-2], description="Lowest and highest")
    factors: list[int] = Field([128, 256], min_length=1, description="Values to try")
    negatives: list[int] = Field([256, 512], min_length=1, description="Values to try")
    ema_decay: list[float] = Field([0.95, 0.98], min_length=1, description="Values to try")

    @field_validator("learning_rate")
    @classmethod
    def _check_range(cls, ends: list[float]) -> list[float]:
        if len(ends) != 2 or not 0 < ends[0] < ends[1]:
            raise ValueError(f"a range is [lowest, highest], both above 0, found {ends}")
        return ends


@python_tables(
    {SEARCH: "train"},
    reads=(*TRAINING_INPUTS, "ials_model"),
    config=TuningConfig,
    kind="optuna",
    automation_condition=None,  # no search begins by itself
)
def tuning_trials(run: AssetRun, config: TuningConfig) -> None:
    """Train NeuMF again and again, by Optuna's choice of settings."""
    from ncf_assets.ncf.training import loop

    known, factors = interactions(run.inputs, "choose"), scorers.ials(run.inputs, "choose")
    held_out = validation(run.inputs, config.validation_users, config.seed)

    def train(settings: Any, on_epoch: Callable[[Any], None]) -> Sequence[Any]:
        fixed = {"seed": config.seed, "epochs": config.epochs}
        tried = NeumfConfig.model_validate(fixed | asdict(settings))
        training = next_item_training(known, factors, tried, "choose")
        return loop.train(
            training.model,
            training.objective,
            held_out,
            training.epochs,
            training.patience,
            lambda state: on_epoch(state.history[-1]),
        )

    def on_trial(trial: Any, n_ended: int) -> None:
        run.context.log.info(f"{n_ended} of {config.trials}: {_outcome(trial)}")

    # A search of the same data, code and space is resumed.
    found = _search(run, config).run(train, config.trials, on_trial)
    columns = tables()[SEARCH].schema.names
    trials = pd.DataFrame([_row(trial, columns) for trial in found], columns=columns)
    run.write(SEARCH, pa.RecordBatch.from_pandas(trials, preserve_index=False))
    run.extra_metadata |= _best_trial_metadata(trials)


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have figures."""
    found = trials[trials["state"] == "complete"]
    # pandas has no null in integers, and these columns have some in other trials
    return found.astype({"epoch": int, "factors": int, "negatives": int})


def best_trial(trials: pd.DataFrame) -> dict[str, Any]:
    """Return the complete trial of highest validation NDCG@10, the first of equals.

    ValueError if there is none.
    """
    found = complete(trials).to_dict("records")
    if not found:
        raise ValueError("no trial of the search is complete. Run `ncf-assets tune` again.")
    best = max(found, key=lambda trial: float(trial["validation_ndcg_at_10"]))
    return {str(name): value for name, value in best.items()}


def as_run_config(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's settings as the run configuration that trains with them."""
    return {"ops": {MODEL: {"config": {name: trial[name] for name in SETTINGS}}}}


def _search(run: AssetRun, config: TuningConfig) -> "Search":
    from ncf_assets.ncf.training.tuning import Search, Space

    space = Space(**{name: tuple(getattr(config, name)) for name in SETTINGS})
    default = NeumfConfig.model_validate({})
    start = {name: getattr(default, name) for name in SETTINGS}
    # more trials are no other search
    what = {**run.provenance(SEARCH), "config": config.model_dump(exclude={"trials"})}
    del what["run_id"]
    name = hash_json(what)
    file = run.warehouse.paths.folder(SEARCH, run.dataset) / "searches.db"
    return Search(space, start, config.seed, name, file)


def _outcome(trial: Any) -> str:
    """Return a trial's settings, and what it reached or why it was given up."""
    if trial.value is None:
        last, ndcg = max(trial.intermediate_values.items())
        reached = f"given up at epoch {last}, as NDCG@10 {ndcg:.4f} is below the others' median"
    else:
        reached = f"NDCG@10 {trial.value:.4f} at epoch {trial.user_attrs['epoch']}"
    settings = ", ".join(f"{name} {value:.4g}" for name, value in trial.params.items())
    return f"trial {trial.number}, {settings}: {reached}"


def _row(trial: Any, columns: Sequence[str]) -> tuple[Any, ...]:
    is_complete = trial.state.name == "COMPLETE"
    reached = {**trial.user_attrs, "validation_ndcg_at_10": trial.value} if is_complete else {}
    return tuple(
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "seconds": trial.duration.total_seconds() if trial.duration else None,
            **trial.params,
            **reached,
        }.get(column)
        for column in columns
    )


def _best_trial_metadata(trials: pd.DataFrame) -> dict[str, Any]:
    """Return the best settings, as the launchpad of `neumf_model` takes them, and all trials."""
    from ncf_assets.report import drawing
    from ncf_assets.report.tuning_plot import tuning_plot

    done = complete(trials)
    if done.empty:
        return {"best trial": "none: set `trials`, or run `ncf-assets tune`"}
    best = best_trial(trials)
    settings = {name: done[name].tolist() for name in SETTINGS}
    draw = tuning_plot(settings, done["validation_ndcg_at_10"].tolist())
    return {
        "best trial": best["trial"],
        "validation NDCG@10": best["validation_ndcg_at_10"],
        "validation HR@10": best["validation_hr_at_10"],
        "run configuration": dg.MetadataValue.json(as_run_config(best)),
        "what was tried": inline_plot("what was tried", drawing.png(draw)),
    }
