"""Tuning: a search for NeuMF's training settings on the validation lists. Not part of `everything`.

What is searched how is `ncf_assets.ncf.tuning`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pyarrow as pa
from pydantic import Field, field_validator

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.learned_asset import READS, train_pairs, validation_lists
from ncf_assets.assets.model_asset import SCIENCE
from ncf_assets.assets.partition import Run, check_specs, settings_of
from ncf_assets.assets.shown import inline_plot
from ncf_assets.assets.table_spec import table_spec
from ncf_assets.assets.train import NeumfConfig, untrained_neumf
from ncf_assets.best_trial import SETTINGS, as_run_config, best_trial, complete
from ncf_assets.tables import tables
from ncf_assets.warehouse import Warehouse

if TYPE_CHECKING:  # Optuna and TensorFlow must not load with the code location
    from ncf_assets.ncf.tuning import Search

UPSTREAM = (*READS, "gmf_model", "mlp_model")
COLUMNS = tuple(tables()["tuning"].schema.names)
MODULES = (*SCIENCE, "ncf_assets.ncf.tuning")


class TuningConfig(dg.Config):
    """What is tried, and how often."""

    trials: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Trainings in all, those given up and those of before included; without any,"
        " as by `Materialize all`, the table shows what has been searched so far",
    )
    epochs: int = Field(8, ge=1, le=1000, description="Epochs of each at most")
    learning_rate: list[float] = Field([1e-4, 5e-3], description="Lowest and highest")
    l2: list[float] = Field([1e-3, 0.1], description="Lowest and highest")
    negatives_per_positive: list[int] = Field([4, 8], min_length=1, description="Values to try")
    averaging: list[float] = Field([0.0, 0.8], min_length=1, description="Values to try")
    seed: int = Field(2017, ge=0, description="Seed of the search and of each training")

    @field_validator("learning_rate", "l2")
    @classmethod
    def _check_range(cls, ends: list[float]) -> list[float]:
        if len(ends) != 2 or not 0 < ends[0] < ends[1]:
            raise ValueError(f"a range is [lowest, highest], both above 0, found {ends}")
        return ends


SPEC = table_spec(
    tables()["tuning"],
    "train",
    UPSTREAM,
    code_version(__name__, *MODULES, str(tables()["tuning"].schema)),
    "optuna",
)


@dg.multi_asset(
    name="tuning",
    # nobody's training waits for a search, nor does a search begin by itself
    specs=[SPEC.replace_attributes(automation_condition=None)],
    check_specs=check_specs(tables()["tuning"]),
)
def tuning(
    context: dg.AssetExecutionContext,
    config: TuningConfig,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[Any]:
    """Train NeuMF again and again, by Optuna's choice of settings."""
    with told(context, warehouse, ("tuning",)):
        inputs = Inputs.of_one_lineage(warehouse, context.partition_key, UPSTREAM)
        run = Run(context, warehouse, inputs, settings_of(config))
        trials = _trials(run, config)
        with warehouse.draft("tuning", run.dataset) as draft:
            draft.write([pa.RecordBatch.from_pandas(trials, preserve_index=False)])
            stamp = draft.finish(**run.origin("tuning"))
            yield from run.publish({draft: stamp}, _shown(trials))


def _trials(run: Run, config: TuningConfig) -> pd.DataFrame:
    """Search, or go on with a search of the same data, code and space; the table's rows."""
    from ncf_assets.ncf import training
    from ncf_assets.ncf.examples import Examples

    examples = Examples(*train_pairs(run.inputs), *validation_lists(run.inputs))

    def train(settings: Any, on_epoch: Callable[[Any], None]) -> Sequence[Any]:
        fixed = {"seed": config.seed, "epochs": config.epochs}
        chosen = NeumfConfig.model_validate(fixed | asdict(settings))
        model = untrained_neumf(run, chosen)
        return training.train(
            model, examples, chosen.settings(), lambda progress: on_epoch(progress.history[-1])
        )

    def on_trial(trial: Any) -> None:
        reached = "given up" if trial.value is None else f"validation NDCG@10 {trial.value:.4f}"
        run.context.log.info(f"trial {trial.number + 1} of {config.trials}: {reached}")

    found = _search(run, config).run(train, config.trials, on_trial)
    return pd.DataFrame([_row(trial) for trial in found], columns=list(COLUMNS))


def _search(run: Run, config: TuningConfig) -> "Search":
    from ncf_assets.ncf.tuning import Search, Settings, Space

    space = Space(**{name: tuple(getattr(config, name)) for name in SETTINGS})
    default = NeumfConfig.model_validate({})
    start = Settings(**{name: getattr(default, name) for name in SETTINGS})
    # more trials are no other search
    what = {**run.origin("tuning"), "config": config.model_dump(exclude={"trials"})}
    del what["run_id"]
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    file = run.warehouse.folder("tuning", run.dataset) / "searches.db"
    return Search(space, start, config.seed, name, file)


def _row(trial: Any) -> tuple[Any, ...]:
    complete = trial.state.name == "COMPLETE"
    reached = {**trial.user_attrs, "validation_ndcg_at_10": trial.value} if complete else {}
    return tuple(
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "seconds": trial.duration.total_seconds() if trial.duration else None,
            **trial.params,
            **reached,
        }.get(column)
        for column in COLUMNS
    )


def _shown(trials: pd.DataFrame) -> dict[str, Any]:
    """The best settings, as the launchpad of `neumf_model` takes them, and what was tried."""
    from ncf_assets.ncf.report import drawing
    from ncf_assets.ncf.report.tuning_plot import tuning_plot

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
