"""`ncf-assets materialize`: one dataset in this process, without a daemon, with progress."""

import time
from pathlib import Path
from typing import Any

import click
import dagster as dg

from ncf_assets.assets.tuning import as_run_config
from ncf_assets.cli.arguments import EVERYTHING, check_datasets, source_refusals, warehouse
from ncf_assets.cli.asset_graph import check_inputs, graph_assets
from ncf_assets.cli.run_config import (
    config_option,
    merge,
    read_config,
    seeds_option,
    with_processes,
    with_seeds,
)
from ncf_assets.cli.run_job import run_job
from ncf_assets.cli.selection import resolve_selection
from ncf_assets.cli.status import dataset_statuses
from ncf_assets.cli.wrapping import say
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.orchestration.staleness import SEARCH, remake
from ncf_assets.warehouse.paths import ui_command

SOURCE = dg.AssetKey("raw_reviews")  # which reads the source file
REPORT = dg.AssetKey("evaluation_report")


@click.command()
@click.argument("dataset")
@click.option(
    "--select",
    metavar="ASSETS",
    help="Only these assets: names separated by commas, or Dagster's syntax for selections."
    " `neumf_model+` means the model and all that follows from it, `+neumf_model` the model and all"
    " that it comes from, `group:train` a group, `tag:makes=model` what has a tag.",
)
@config_option
@seeds_option
@click.option(
    "--tuned",
    is_flag=True,
    help="Fit models with the best settings that `ncf-assets tune` has found for DATASET.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Run so many independent steps at the same time, each in a process of its own that takes"
    " memory of its own; without it one after the other, in this process.",
)
def materialize(
    dataset: str,
    select: str | None,
    config_file: Path | None,
    seeds: int | None,
    tuned: bool,
    processes: int | None,
) -> None:
    """Materialize the assets of DATASET.

    The run is recorded in Dagster; no daemon is needed. The exit code is 1 if an asset or one of
    its checks fails; what was in place before stays in place.
    """
    check_datasets([dataset])
    config = with_processes(with_seeds(read_config(config_file), seeds), processes)
    if tuned:
        config = _with_best(config, dataset)
    started = time.monotonic()
    selected = None if select is None else resolve_selection(select)
    if (selected is None or SOURCE in selected) and (refused := source_refusals([dataset])):
        raise click.ClickException(refused[dataset])
    if selected is not None:
        check_inputs([key.to_user_string() for key in selected], dataset)
    if not run_job(EVERYTHING, dataset, config, selected):
        raise SystemExit(1)
    click.echo(f"{dataset} is materialized, {time.monotonic() - started:.0f} s.")
    conclude(dataset, has_new_report=selected is None or REPORT in selected)


def conclude(dataset: str, has_new_report: bool) -> None:
    """Say what was found, what is out of date now, and what to run next."""
    if has_new_report:
        place = warehouse()
        say(place.record("evaluation_report", dataset)["findings"][0])
        page = place.beside("evaluation_report", dataset, place.page(dataset).name)
        click.echo(
            f"report: {page}\nnext: ncf-assets show {dataset}, ncf-assets sql, {ui_command()}"
        )
    stale = {s.asset for s in dataset_statuses([dataset])[dataset] if s.reasons}
    if SEARCH in stale:  # which nothing waits for
        stale.remove(SEARCH)
        say("the search for settings is out of date. Search again with:")
        click.echo(f"  {remake([SEARCH], dataset)}")
    if stale:
        first = [a.name for a in graph_assets() if a.name in stale and not stale & {*a.upstream}]
        named = ", ".join(first)
        say(f"out of date now: {named} and what follows, {len(stale)} in all. Make with:")
        click.echo(f"  {remake(first, dataset)}")


def _with_best(config: dict[str, Any], dataset: str) -> dict[str, Any]:
    """Return a run configuration with the best settings of all searches in it."""
    place = warehouse()
    if place.find_provenance(SEARCH, dataset) is None:
        raise click.UsageError(
            f"--tuned takes a search, found none. Run `ncf-assets tune {dataset}`."
        )
    trials = place.read(SEARCH, dataset)
    try:
        best = as_run_config(trials, sorted({*trials["model"]}) or [EVALUATED_MODEL])
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return merge(best, config, "--tuned")
