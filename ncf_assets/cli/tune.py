"""`ncf-assets tune`: a search for NeuMF's settings on one dataset."""

import time
from pathlib import Path
from typing import Any

import click

from ncf_assets.assets.tuning import MODEL, SETTINGS, best_trial
from ncf_assets.cli.arguments import check_can_train, check_datasets, warehouse
from ncf_assets.cli.asset_graph import graph_assets
from ncf_assets.cli.run_config import config_option, read_config
from ncf_assets.cli.run_job import run_job
from ncf_assets.orchestration.staleness import SEARCH

JOB = "tune"


@click.command()
@click.argument("dataset")
@click.option(
    "--trials",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Trainings in all, those given up and those of before included.",
)
@config_option
def tune(dataset: str, trials: int, config_file: Path | None) -> None:
    """Search for NeuMF's settings on DATASET, by validation alone.

    What NeuMF is trained on must be there: `ncf-assets materialize DATASET --select +neumf_model`.
    A search that is interrupted goes on when it is run again. Every trial is a row of the table
    `tuning_trials`; `ncf-assets materialize DATASET --tuned` trains with the best.
    """
    check_datasets([dataset])
    check_can_train()
    _check_inputs(dataset)
    started = time.monotonic()
    config = _with_trials(read_config(config_file), trials)
    if not run_job(JOB, dataset, config):
        raise SystemExit(1)
    try:
        best = best_trial(warehouse().read(SEARCH, dataset))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    settings = ", ".join(f"{name} {best[name]:.4g}" for name in SETTINGS)
    click.echo(
        f"{dataset} is searched, {time.monotonic() - started:.0f} s. Best is trial {best['trial']}"
        f" with validation NDCG@10 {best['validation_ndcg_at_10']:.4f}: {settings}.\n"
        f"To train with it: ncf-assets materialize {dataset} --select neumf_model+ --tuned"
    )


def _check_inputs(dataset: str) -> None:
    """Raise ClickException if something is missing that the search reads."""
    place, (search,) = warehouse(), [a for a in graph_assets() if a.name == SEARCH]
    missing = [name for name in search.upstream if place.find_provenance(name, dataset) is None]
    if missing:
        raise click.ClickException(
            f"the search reads {', '.join(missing)} of {dataset}, which is not materialized."
            f" Run `ncf-assets materialize {dataset} --select +{MODEL}`."
        )


def _with_trials(config: dict[str, Any], trials: int) -> dict[str, Any]:
    """Add the number of trials to a run configuration; its own number wins."""
    ops = config.get("ops", {})
    own = ops.get(SEARCH, {}).get("config", {})
    return config | {"ops": ops | {SEARCH: {"config": {"trials": trials} | own}}}
