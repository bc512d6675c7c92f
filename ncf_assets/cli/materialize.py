"""`ncf-assets materialize`: one dataset in this process, without a daemon, with progress."""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import dagster as dg

from ncf_assets.cli.choices import asset_names, check_datasets, check_known, warehouse
from ncf_assets.cli.home import prepare_home
from ncf_assets.cli.progress import Progress, native_messages_to
from ncf_assets.cli.run_config import config_option, read_config
from ncf_assets.runs import claim_tag, dead, fail
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.claims import BusyError, claim

JOB = "everything"
NATIVE_LOG = "native-messages.log"  # in DAGSTER_HOME


@click.command()
@click.argument("dataset")
@click.option(
    "--select",
    metavar="ASSETS",
    help="Only these assets, separated by commas; `neumf_model+` means the model and all that"
    " follows from it, `+neumf_model` the model and all that it comes from.",
)
@config_option
def materialize(dataset: str, select: str | None, config_file: Path | None) -> None:
    """Materialize the assets of DATASET, one after the other, and record the run in Dagster.

    No daemon is needed. The exit code is 1 if an asset or one of its checks fails; what was in
    place before stays in place.
    """
    check_datasets([dataset])
    config = read_config(config_file)
    log = prepare_home() / NATIVE_LOG
    started = time.monotonic()
    if not _run(dataset, select, config, log):
        raise SystemExit(1)
    click.echo(f"{dataset} is materialized, {time.monotonic() - started:.0f} s.")


def _run(dataset: str, select: str | None, config: dict[str, Any], log: Path) -> bool:
    """Run the whole job or a part of it; True if it succeeds."""
    from ncf_assets.definitions import defs

    selected = _selected(select)
    job = defs.resolve_job_def(JOB)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    run_id, place = str(uuid.uuid4()), warehouse()
    try:
        dg.validate_run_config(job, config)
    except dg.DagsterInvalidConfigError as error:
        raise click.ClickException(f"--config does not fit the assets: {error}") from error
    with (
        _claimed(place, dataset, run_id),
        dg.DagsterInstance.get() as instance,
        native_messages_to(log),
    ):
        _fail_dead(instance, place)
        instance.add_event_listener(run_id, Progress(len(selected)))
        result = job.execute_in_process(
            run_config=config | quiet,
            instance=instance,
            partition_key=dataset,
            asset_selection=sorted(selected),
            tags=claim_tag(place, run_id),
            run_id=run_id,
            raise_on_error=False,
        )
    return result.success


@contextmanager
def _claimed(place: Warehouse, dataset: str, run_id: str) -> Iterator[None]:
    """The claim of the run to come, so that one that would be refused is not even begun."""
    try:
        with claim(place.root, dataset, run_id):
            yield
    except BusyError as error:
        raise click.ClickException(str(error)) from error


def _fail_dead(instance: dg.DagsterInstance, place: Warehouse) -> None:
    """Show runs that were killed as what they are."""
    gone = dead(instance, place)
    fail(instance, gone)
    for run in gone:
        click.echo(f"run {run.run_id} was killed; Dagster now shows it as failed")


def _selected(select: str | None) -> Any:
    """The asset keys that `--select` names, with those that the same function makes."""
    from ncf_assets.definitions import defs

    graph, names_of_job = defs.resolve_asset_graph(), asset_names()
    everything = dg.AssetSelection.assets(*names_of_job)
    if select is None:
        return everything.resolve(graph)
    names = [name.strip() for name in select.split(",")]
    if not all(re.fullmatch(r"\+?[^+]+\+?", name) for name in names):
        raise click.UsageError(
            f"--select takes names, each with + before or after, found {select!r}"
        )
    bare = [name.strip("+") for name in names]
    check_known("asset", bare, names_of_job, f"the job {JOB}")
    terms = [re.sub(r"[^+]+", lambda name: f'key:"{name[0]}"', name) for name in names]
    selection = dg.AssetSelection.from_string(" or ".join(terms))
    return (selection.required_multi_asset_neighbors() & everything).resolve(graph)
