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
from ncf_assets.cli.recorded_run import execute_recorded, followed, record_run
from ncf_assets.cli.run_config import check_config
from ncf_assets.orchestration.dagster_runs import (
    PARTITION_TAG,
    find_dead_runs,
    is_terminated,
    lock_tag,
    mark_failed,
)
from ncf_assets.warehouse.dataset_lock import dataset_lock
from ncf_assets.warehouse.lock_holder import DatasetLockedError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse

NATIVE_LOG = "native-messages.log"  # in DAGSTER_HOME


def run_job(
    job_name: str,
    dataset: str,
    config: dict[str, Any],
    selected: Collection[dg.AssetKey] | None = None,
) -> bool:
    """Run a job, or the selected ones of its assets, and record that; True if it succeeded."""
    check_can_train()
    log = prepare_home() / NATIVE_LOG
    graph_assets()  # kept for `status`, while the definitions are at hand
    run_id, place = str(uuid.uuid4()), warehouse()
    check_config(job_name, config)
    job = definitions().resolve_job_def(job_name)
    n_assets = len(job.asset_layer.selected_asset_keys)
    if selected is not None:
        # the job whose runs Dagster shows under their assets; it wants no settings of others
        job, n_assets = definitions().resolve_implicit_global_asset_job_def(), len(selected)
        config = _settings_of(job, selected, config)
    tags = lock_tag(place, run_id)
    if dataset != ALL_DATASETS:
        tags |= {PARTITION_TAG: dataset}
    with (
        _locked(place, dataset, run_id),
        dg.DagsterInstance.get() as instance,
        native_messages_to(log),
        Progress(n_assets) as progress,
    ):
        _fail_dead(instance, place)
        run = record_run(instance, job, run_id, config, tags, selected)
        with followed(instance, run, progress):
            succeeded = execute_recorded(instance, job, run)
        if is_terminated(instance, run_id) and not progress.failed:
            raise click.ClickException(
                "the run was terminated in Dagster. What it had published by then is in place."
            )
    return succeeded


def _settings_of(
    job: dg.JobDefinition, selected: Collection[dg.AssetKey], config: dict[str, Any]
) -> dict[str, Any]:
    """Return a run configuration without the settings of other assets than the selected ones."""
    part = job.get_subset(asset_selection=frozenset(selected))
    ops = {name: of for name, of in config.get("ops", {}).items() if part.has_node_named(name)}
    return config | {"ops": ops} if "ops" in config else config


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
