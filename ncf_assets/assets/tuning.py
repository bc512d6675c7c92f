"""Tuning: a search for a model's settings on validation. Not part of `everything`.

How settings are searched is in `ncf_assets.ncf.training.tuning`; which are tried of a model, in the
class of its configuration.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.assets.baselines import (
    blend_model,
    bm25_model,
    ease_model,
    itemknn_model,
    rp3beta_model,
    slist_model,
)
from ncf_assets.assets.seeds import NETWORKS
from ncf_assets.assets.train import ials_model
from ncf_assets.hashing import hash_json
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.orchestration.metadata import inline_plot
from ncf_assets.orchestration.models import ModelFactory
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.staleness import SEARCH
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.tables import tables

if TYPE_CHECKING:  # Optuna and TensorFlow must not load with the code location
    from ncf_assets.ncf.training.tuning import Search

FITTED = (ials_model, itemknn_model, bm25_model, rp3beta_model, ease_model, slist_model)
MODELS = {made.model: made for made in (*NETWORKS, *FITTED, blend_model)}


class TuningConfig(dg.Config):
    """Which models' settings are tried, and how often."""

    models: list[str] = Field([EVALUATED_MODEL], min_length=1, description="Models to search for")
    trials: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Different settings to try of each model in all, those given up and of before"
        " included; without any, as by `Materialize all`, the table shows what has been searched so"
        " far",
    )
    space: dict[str, list[float]] = Field(
        {}, description="Values to try of settings of these models, in place of their own"
    )
    seed: int = Field(2017, ge=0, description="Seed of the search and of each training")
    validation_users: int = Field(
        10_000, ge=1, description="Validation users at most by whom settings are compared"
    )

    @field_validator("models")
    @classmethod
    def _check_models(cls, models: list[str]) -> list[str]:
        if unknown := sorted({*models} - {*MODELS}):
            raise ValueError(f"models are {', '.join(MODELS)}, found {', '.join(unknown)}")
        return models


@python_tables(
    {SEARCH: "train"},
    reads=sorted({asset for made in MODELS.values() for asset in made.reads}),
    config=TuningConfig,
    kind="optuna",
    automation_condition=None,  # no search begins by itself
)
def tuning_trials(run: AssetRun, config: TuningConfig) -> None:
    """Fit models again and again, by Optuna's choice of settings."""
    from ncf_assets.ncf.training import tuning

    searches = [_search(run, config, MODELS[model]) for model in config.models]
    for search in searches if config.trials else ():
        _run(run, config, search)
    data = {name: _data(run, config, made) for name, made in MODELS.items()}
    found = tuning.trials(_file(run), data)
    columns = tables()[SEARCH].schema.names
    rows = [_row(model, trial) for model in sorted(found) for trial in found[model]]
    trials = pd.DataFrame(rows, columns=columns)
    # pandas has no null in integers
    run.write(SEARCH, trials.astype({"epoch": "Int32"}))
    run.extra_metadata |= _best_trial_metadata(trials, config.models)


def _run(run: AssetRun, config: TuningConfig, search: "Search") -> None:
    """Try settings of one model; a search of the same data, code and space is resumed."""
    made = MODELS[search.model]
    fixed = {"seed": config.seed, "validation_users": config.validation_users}

    def fit(settings: Mapping[str, Any], on_epoch: Any) -> Any:
        own = made.config_type.model_validate({**fixed, **made.config_type.of_trial(settings)})
        return made.validate(run, own, on_epoch)

    def on_trial(trial: Any, n_ended: int) -> None:
        run.context.log.info(f"{search.model}, {n_ended} of {config.trials}: {_outcome(trial)}")

    search.run(fit, config.trials, on_trial)


def complete(trials: pd.DataFrame, model: str) -> pd.DataFrame:
    """Return the rows of a model that have figures."""
    return trials[(trials["model"] == model) & (trials["state"] == "complete")]


def best_trial(trials: pd.DataFrame, model: str) -> dict[str, Any]:
    """Return the complete trial of highest validation NDCG@10, the first of equals.

    ValueError if there is none.
    """
    found = complete(trials, model).to_dict("records")
    if not found:
        raise ValueError(
            f"no trial of the search for {model} is complete. Run `ncf-assets tune` again."
        )
    best = max(found, key=lambda trial: trial["validation_ndcg_at_10"])
    return {str(name): value for name, value in best.items()}


def as_run_config(trials: pd.DataFrame, models: Sequence[str]) -> dict[str, Any]:
    """Return the best settings of each model as the run configuration that fits with them."""
    ops: dict[str, Any] = {}
    for model in models:
        best, config_type = best_trial(trials, model), MODELS[model].config_type
        settings = config_type.of_trial(json.loads(best["settings"]))
        # killed trials have told nothing, and some of them have no settings
        ended = trials[(trials["model"] == model) & trials["state"].isin(["complete", "pruned"])]
        n_tried = ended["settings"].nunique()
        ops[f"{model}_model"] = {"config": {**settings, "tried": n_tried}}
    return {"ops": ops}


def _search(run: AssetRun, config: TuningConfig, made: ModelFactory) -> "Search":
    from ncf_assets.ncf.training.tuning import Search

    config_type = made.config_type
    if unknown := sorted(config.space.keys() - config_type.model_fields.keys()):
        raise dg.Failure(
            f"{made.model} has no setting {', '.join(unknown)}, as `space` says. Leave it out, or"
            " search for one model at a time.",
            allow_retries=False,
        )
    space = config_type.search_space()
    for name, values in config.space.items():
        default = config_type.model_fields[name].default
        example = space.get(name, [default])[0]
        # YAML and the launchpad give 8 as 8.0, which Dagster does not take for a whole number
        space[name] = values if isinstance(example, float) else [int(value) for value in values]
    data = _data(run, config, made)
    return Search(made.model, space, config_type.begins_with(), config.seed, data, _file(run))


def _file(run: AssetRun) -> Path:
    return run.warehouse.paths.folder(SEARCH, run.dataset) / "searches.db"


def _data(run: AssetRun, config: TuningConfig, made: ModelFactory) -> str:
    """Return the hash of what a search of a model depends on, apart from its space.

    More trials are no other search, and neither is a change of what other models read.
    """
    hashes = run.inputs.hashes
    return hash_json(
        {
            "config": config.model_dump(include={"seed", "validation_users"}),
            "inputs": {name: hashes[name] for name in made.reads},
            "version": made.version,
        }
    )


def _outcome(trial: Any) -> str:
    """Return a trial's settings, and what it reached or why it was given up."""
    if trial.state.name != "COMPLETE":
        last, ndcg = max(trial.intermediate_values.items())
        reached = f"given up at epoch {last}, as NDCG@10 {ndcg:.4f} is below the others' median"
    else:
        epoch = trial.user_attrs["epoch"]
        reached = f"NDCG@10 {trial.value:.4f}" + (f" at epoch {epoch}" if epoch else "")
    settings = ", ".join(f"{name} {value:.4g}" for name, value in trial.params.items())
    return f"trial {trial.number}, {settings}: {reached}"


def _row(model: str, trial: Any) -> tuple[Any, ...]:
    is_complete = trial.state.name == "COMPLETE"
    return (
        model,
        trial.number,
        trial.state.name.lower(),
        trial.value if is_complete else None,
        trial.user_attrs.get("validation_hr_at_10"),
        trial.user_attrs.get("epoch"),
        trial.duration.total_seconds() if trial.duration else None,
        json.dumps(trial.params),
    )


def _best_trial_metadata(trials: pd.DataFrame, models: Sequence[str]) -> dict[str, Any]:
    """Return the best settings, as the launchpad takes them, and a plot of each model's trials."""
    searched = [model for model in models if not complete(trials, model).empty]
    if not searched:
        return {"best trial": "none: set `trials`, or run `ncf-assets tune`"}
    shown: dict[str, Any] = {
        "run configuration": dg.MetadataValue.json(as_run_config(trials, searched))
    }
    for model in searched:
        best = best_trial(trials, model)
        shown |= {
            f"{model}: best trial": best["trial"],
            f"{model}: validation NDCG@10": best["validation_ndcg_at_10"],
            **dict(_plot(model, complete(trials, model))),
        }
    return shown


def _plot(model: str, done: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Yield the plot of what was tried of a model."""
    from ncf_assets.report.tuning_plot import tuning_plot

    tried = pd.DataFrame([json.loads(text) for text in done["settings"]])
    settings = {str(name): tried[name].tolist() for name in tried}
    drawing = tuning_plot(settings, done["validation_ndcg_at_10"].tolist())
    title = f"{model}: what was tried"
    yield title, inline_plot(title, drawing.png())
