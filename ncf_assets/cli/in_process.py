"""Running a job on one dataset, or on EVERY, in this process, without a daemon, with progress."""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import click
import dagster as dg

from ncf_assets.cli.choices import warehouse
from ncf_assets.cli.home import prepare_home
from ncf_assets.cli.progress import Progress, native_messages_to
from ncf_assets.cli.run_config import check_config
from ncf_assets.runs import claim_tag, dead, fail
from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import claim
from ncf_assets.warehouse.lease import BusyError

NATIVE_LOG = "native-messages.log"  # in DAGSTER_HOME


def run_in_process(
    job_name: str, dataset: str, selected: Collection[dg.AssetKey], config: dict[str, Any]
) -> bool:
    """Run the selected assets of a job, and record the run in Dagster; True if it succeeds."""
    from ncf_assets.definitions import defs

    log = prepare_home() / NATIVE_LOG
    job = defs.resolve_job_def(job_name)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    run_id, place = str(uuid.uuid4()), warehouse()
    check_config(job_name, config)
    with (
        _claimed(place, dataset, run_id),
        dg.DagsterInstance.get() as instance,
        native_messages_to(log),
        Progress(len(selected)) as progress,
    ):
        _fail_dead(instance, place)
        instance.add_event_listener(run_id, progress)
        result = job.execute_in_process(
            run_config=config | quiet,
            instance=instance,
            partition_key=None if dataset == EVERY else dataset,
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
        with claim(place, dataset, run_id):
            yield
    except BusyError as error:
        raise click.ClickException(str(error)) from error


def _fail_dead(instance: dg.DagsterInstance, place: Warehouse) -> None:
    """Show runs that were killed as what they are."""
    gone = dead(instance, place)
    fail(instance, gone)
    for run in gone:
        click.echo(f"run {run.run_id} was killed; Dagster now shows it as failed")
