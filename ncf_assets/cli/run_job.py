"""Running a job in this process, on one dataset or on ALL_DATASETS, without a daemon."""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import click
import dagster as dg

from ncf_assets.cli.arguments import check_can_train, definitions, warehouse
from ncf_assets.cli.asset_graph import graph_assets
from ncf_assets.cli.dagster_home import prepare_home
from ncf_assets.cli.progress import Progress, native_messages_to
from ncf_assets.cli.run_config import check_config
from ncf_assets.orchestration.dagster_runs import find_dead_runs, lock_tag, mark_failed
from ncf_assets.warehouse.dataset_lock import dataset_lock
from ncf_assets.warehouse.lock_holder import DatasetLockedError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse

NATIVE_LOG = "native-messages.log"  # in DAGSTER_HOME


def run_job(
    job_name: str, dataset: str, selected: Collection[dg.AssetKey], config: dict[str, Any]
) -> bool:
    """Run the selected assets of a job, and record the run in Dagster; True if it succeeds."""
    check_can_train()
    log = prepare_home() / NATIVE_LOG
    job = definitions().resolve_job_def(job_name)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    graph_assets()  # kept for `status`, while the definitions are at hand
    run_id, place = str(uuid.uuid4()), warehouse()
    check_config(job_name, config)
    with (
        _locked(place, dataset, run_id),
        dg.DagsterInstance.get() as instance,
        native_messages_to(log),
        Progress(len(selected)) as progress,
    ):
        _fail_dead(instance, place)
        instance.add_event_listener(run_id, progress)
        result = job.execute_in_process(
            run_config=config | quiet,
            instance=instance,
            partition_key=None if dataset == ALL_DATASETS else dataset,
            asset_selection=sorted(selected),
            tags=lock_tag(place, run_id),
            run_id=run_id,
            raise_on_error=False,
        )
    return result.success


@contextmanager
def _locked(place: Warehouse, dataset: str, run_id: str) -> Iterator[None]:
    """Lock the dataset for the run to come, so that a run that would be refused never begins."""
    try:
        with dataset_lock(place, dataset, run_id):
            yield
    except DatasetLockedError as error:
        raise click.ClickException(str(error)) from error


def _fail_dead(instance: dg.DagsterInstance, place: Warehouse) -> None:
    """Show runs that were killed as what they are."""
    gone = find_dead_runs(instance, place)
    mark_failed(instance, gone)
    for run in gone:
        click.echo(f"run {run.run_id} was killed; Dagster now shows it as failed")
