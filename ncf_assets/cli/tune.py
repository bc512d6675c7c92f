"""`ncf-assets tune`: a search for the settings of models on one dataset."""

import json
import time
from pathlib import Path
from typing import Any

import click

from ncf_assets.assets.tuning import MODELS, best_trial
from ncf_assets.cli.arguments import check_can_train, check_datasets, warehouse
from ncf_assets.cli.asset_graph import check_inputs
from ncf_assets.cli.run_config import config_option, merge, read_config
from ncf_assets.cli.run_job import run_job
from ncf_assets.cli.wrapping import say
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.orchestration.staleness import SEARCH

JOB, ALL = "tune", "all"
TRIALS = 20


@click.command()
@click.argument("dataset")
@click.option(
    "--trials",
    type=click.IntRange(1, 10_000),
    help=f"Different settings to try of each model, those given up and those of before included:"
    f" {TRIALS} by default.",
)
@click.option(
    "--model",
    "models",
    type=click.Choice([*MODELS, ALL]),
    multiple=True,
    default=[EVALUATED_MODEL],
    show_default=True,
    help="Model to search for, which may be given several times; `all` stands for all of them.",
)
@config_option
def tune(
    dataset: str, trials: int | None, models: tuple[str, ...], config_file: Path | None
) -> None:
    """Search for the settings of models on DATASET, by validation alone.

    The models must have been fitted once: `ncf-assets materialize DATASET`. A search that is
    interrupted goes on when it is run again. Every trial is a row of the table `tuning_trials`;
    `ncf-assets materialize DATASET --tuned` fits with the best of each model.
    """
    check_datasets([dataset])
    check_can_train()
    check_inputs([SEARCH], dataset)
    started = time.monotonic()
    models = tuple(MODELS) if ALL in models else tuple(dict.fromkeys(models))
    config = _with_search(read_config(config_file), trials, models)
    if not run_job(JOB, dataset, config):
        raise SystemExit(1)
    found = warehouse().read(SEARCH, dataset)
    try:
        best = {model: best_trial(found, model) for model in models}
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{dataset} is searched, {time.monotonic() - started:.0f} s.")
    for model, trial in best.items():
        settings = ", ".join(f"{k} {v:.4g}" for k, v in json.loads(trial["settings"]).items())
        say(
            f"{model}: best is trial {trial['trial']} with validation NDCG@10"
            f" {trial['validation_ndcg_at_10']:.4f}: {settings}"
        )
    again = ",".join(f"{model}_model+" for model in models)
    click.echo(f"To fit with it:\n  ncf-assets materialize {dataset} --select {again} --tuned")


def _with_search(
    config: dict[str, Any], trials: int | None, models: tuple[str, ...]
) -> dict[str, Any]:
    """Add models and number of trials to a run configuration; refuse what both set."""

    def search(**settings: Any) -> dict[str, Any]:
        return {"ops": {SEARCH: {"config": settings}}}

    config = merge(search(models=list(models)), config, "--model")
    if trials is None and "trials" in config["ops"][SEARCH]["config"]:
        return config
    return merge(search(trials=trials or TRIALS), config, "--trials")
