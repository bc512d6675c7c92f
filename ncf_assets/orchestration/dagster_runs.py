"""Dagster's runs: one for each dataset at a time, and dead ones shown as failed.

A run locks its dataset with the resource `warehouse`, whoever launches it, and says so in a tag,
which also says when it has released the dataset. A run that has not released it is dead if the lock
is free or another run's. The lock itself is in `ncf_assets.warehouse.dataset_lock`.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus as Status
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus, PartitionBackfill

from ncf_assets.warehouse.dataset_lock import holder, last_holder
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse

PARTITION_TAG = "dagster/partition"
LOCK_TAG = ".dagster/ncf-assets-lock"  # Dagster's UI hides what begins so
PROCESSES = 2  # of a run whose steps are processes of their own, where it says no number: chosen
HEARTBEAT_SECONDS = 75  # a running daemon reports every 30 s
DAEMON_NOTE = "backfill-daemon.json"  # in DAGSTER_HOME, while a command's daemon is running
OPEN_BACKFILLS = [
    BulkActionStatus.REQUESTED,
    BulkActionStatus.CANCELING,
    BulkActionStatus.FAILING,
]
RUNS_LOOKED_AT = 1_000  # chosen: those of a few months
UNENDED = [Status.NOT_STARTED, Status.STARTING, Status.STARTED, Status.CANCELING]
# chosen: what a step in a process of its own may take to start
STEP_START_TIMEOUT = timedelta(minutes=10)


def dataset_of(run: dg.DagsterRun) -> str:
    """Return the dataset that a run works on; ALL_DATASETS if it makes a table of all datasets."""
    return run.tags.get(PARTITION_TAG, ALL_DATASETS)


def processes_of(run: dg.DagsterRun) -> int:
    """Return how many steps of a run may work at the same time."""
    execution: Any = run.run_config.get("execution", {})
    how = execution.get("config", {})
    if "multiprocess" not in how:
        return 1
    return int((how["multiprocess"] or {}).get("max_concurrent", PROCESSES))


def is_terminated(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Return whether somebody has terminated a run in Dagster, by force or not."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in (Status.CANCELING, Status.CANCELED)


def open_backfills(instance: dg.DagsterInstance) -> Sequence[PartitionBackfill]:
    """Return the backfills that have not ended, the newest first."""
    return instance.get_backfills(filters=BulkActionsFilter(statuses=OPEN_BACKFILLS))


def last_runs(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRun]:
    """Return the newest run of each dataset, among the latest RUNS_LOOKED_AT."""
    found: dict[str, dg.DagsterRun] = {}
    for run in instance.get_runs(limit=RUNS_LOOKED_AT):  # the newest first
        found.setdefault(dataset_of(run), run)
    return found


def last_report(instance: dg.DagsterInstance) -> float:
    """Return when a daemon reported last, in seconds since 1970; 0 if none has."""
    heartbeats = instance.get_daemon_heartbeats()
    return max((beat.timestamp for beat in heartbeats.values()), default=0.0)


def is_alive(instance: dg.DagsterInstance) -> bool:
    """Return whether a daemon has reported lately."""
    return time.time() - last_report(instance) < HEARTBEAT_SECONDS


def has_work(instance: dg.DagsterInstance) -> bool:
    """Return whether a daemon has something to do: a backfill or a run that has not ended."""
    unended = dg.RunsFilter(statuses=[Status.QUEUED, *UNENDED])
    return bool(open_backfills(instance) or instance.get_runs(unended, limit=1))


def lock_tag(place: Warehouse, run_id: str) -> dict[str, str]:
    """Return the tag of a run with a lock on its dataset; a rerun that copies it has another id."""
    return {LOCK_TAG: f"{run_id} {place.lock_name}"}


def released_tag(place: Warehouse, run_id: str) -> dict[str, str]:
    """Return the tag of a run that has released its dataset."""
    return {LOCK_TAG: f"released: {run_id} {place.lock_name}"}


def find_dead_runs(instance: dg.DagsterInstance, place: Warehouse) -> list[dg.DagsterRun]:
    """Return the runs that Dagster shows as under way and whose process is gone."""
    first = _suspects(instance, place)
    # a run may have ended between Dagster's answer and the look at its lock
    second = _suspects(instance, place) if first else {}
    return [run for run_id, run in second.items() if run_id in first]


def _suspects(instance: dg.DagsterInstance, place: Warehouse) -> dict[str, dg.DagsterRun]:
    """Return the runs shown as under way that do not hold the lock they took, by id."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNENDED))
    # nothing can be said of others: they may be at other data, or wait for their process to begin
    locked = [record.dagster_run for record in records if _should_hold(record, place)]
    held_by = {
        dataset: who.run_id if (who := holder(place.root, dataset)) else None
        for dataset in map(dataset_of, locked)
    }
    return {run.run_id: run for run in locked if run.run_id != held_by[dataset_of(run)]}


def _should_hold(record: dg.RunRecord, place: Warehouse) -> bool:
    """Return whether a run took its lock, by its tag or, if it died before that, by the lock.

    A run that has released it is about to end, or is between two steps in processes of their own.
    One that has begun and has no tag is about to lock, or was killed just when it did.
    """
    run = record.dagster_run
    last = last_holder(place.root, dataset_of(run))
    if last is not None and last.run_id == run.run_id:
        return True
    tags = run.tags.items()
    is_untagged = run.status == Status.STARTED and LOCK_TAG not in run.tags
    if is_untagged or released_tag(place, run.run_id).items() <= tags:
        return datetime.now(UTC) - record.update_timestamp > STEP_START_TIMEOUT
    return lock_tag(place, run.run_id).items() <= tags


def remove_runs(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> None:
    """Remove runs, and what Dagster has cached of the partitions that failed in them."""
    assets = set()
    for run_id in run_ids:
        planned = instance.all_logs(
            run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        )
        assets |= {entry.dagster_event.asset_key for entry in planned if entry.dagster_event}
        instance.delete_run(run_id)
    instance.wipe_asset_cached_status([asset for asset in assets if asset])


def mark_failed(instance: dg.DagsterInstance, runs: Iterable[dg.DagsterRun]) -> None:
    """Show dead runs as failed in Dagster, and free what they occupied in its queue."""
    for run in runs:
        message = "The process of this run is gone: killed, or the machine went down. Run it again."
        instance.report_run_failed(run, message)
