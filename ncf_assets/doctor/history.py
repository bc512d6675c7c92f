"""Find what Dagster's history shows as under way or failed, and what nobody works on.

Runs whose process is gone are found in `ncf_assets.doctor.leftovers`.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import dagster as dg
from dagster import DagsterEventType as Event

from ncf_assets.doctor.finding import Finding, readable_provenance
from ncf_assets.orchestration.dagster_runs import (
    DAEMON_NOTE,
    dataset_of,
    has_work,
    is_alive,
    open_backfills,
    remove_runs,
)
from ncf_assets.warehouse.lock_holder import LockHolder
from ncf_assets.warehouse.paths import display_name, ui_command
from ncf_assets.warehouse.warehouse import Warehouse

START_SECONDS = 60  # a daemon that has just begun has nothing to do yet


def waiting_work(instance: dg.DagsterInstance) -> Iterator[Finding]:
    """Yield backfills and queued runs that no daemon works on."""
    if is_alive(instance):
        return
    backfills = open_backfills(instance)
    for backfill in backfills:
        yield Finding(
            f"backfill {backfill.backfill_id} is shown as {backfill.status.value.lower()}, but no"
            " Dagster daemon works on it",
            f"run `ncf-assets backfill --follow {backfill.backfill_id}`, or cancel it in the UI",
        )
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        if run.tags.get("dagster/backfill") not in {one.backfill_id for one in backfills}:
            yield Finding(
                f"run {run.run_id} of {display_name(dataset_of(run))} is queued, but no Dagster"
                " daemon starts it",
                f"start a daemon with `{ui_command()}` or `dagster-daemon run`, or cancel the run"
                " in the UI",
            )


def idle_daemon(instance: dg.DagsterInstance, home: Path) -> Iterator[Finding]:
    """Yield the daemon of a backfill that goes on without work, or that was killed."""
    note = home / DAEMON_NOTE
    try:
        who = LockHolder(**json.loads(note.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return
    except (ValueError, TypeError):
        yield Finding(f"{note} is damaged", "remove it", note.unlink)
        return
    if who.is_gone():
        yield Finding(f"{note} names a daemon that was killed", "remove it", note.unlink)
    elif time.time() - note.stat().st_mtime > START_SECONDS and not has_work(instance):
        yield Finding(
            f"the daemon of a backfill (process {who.pid} on {who.host}) has nothing to do",
            "end it",
            lambda: _end(who.pid),
        )


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)


def failed_runs(
    instance: dg.DagsterInstance, place: Warehouse, datasets: Iterable[str]
) -> Iterator[Finding]:
    """Yield the runs that failed and whose assets were not published since.

    Those that published nothing are fixed by removing them. Of the others the newest of a dataset
    is named, as long as no run follows it.
    """
    for dataset in datasets:
        of_dataset = dg.RunsFilter(tags={"dagster/partition": dataset})
        for position, record in enumerate(instance.get_run_records(of_dataset)):
            run = record.dagster_run
            if run.status != dg.DagsterRunStatus.FAILURE:
                continue
            published = bool(instance.all_logs(run.run_id, of_type=Event.ASSET_MATERIALIZATION))
            newest = position == 0
            lost = [] if published and not newest else _lost(instance, place, record, newest)
            if not lost:
                continue
            what = (
                f"run {run.run_id} of {dataset} failed, and nothing has been published since of"
                f" {', '.join(lost)}"
            )
            again = f"`ncf-assets materialize {dataset}` says why it fails if it does again"
            if published:
                yield Finding(what, f"run it again: {again}")
            else:
                yield Finding(
                    what,
                    f"remove the run, so that the UI shows nothing as failed; {again}",
                    partial(remove_runs, instance, [run.run_id]),
                )


def _lost(
    instance: dg.DagsterInstance, place: Warehouse, record: dg.RunRecord, only_failed: bool
) -> list[str]:
    """Return the assets of a run, or of its failed steps, that were not published after its start.

    Dagster shows all of them as failed.
    """
    run_id, dataset = record.dagster_run.run_id, dataset_of(record.dagster_run)
    failures = instance.all_logs(run_id, of_type=Event.STEP_FAILURE)
    steps = {entry.step_key for entry in failures}
    planned = instance.all_logs(run_id, of_type=Event.ASSET_MATERIALIZATION_PLANNED)
    lost = []
    for entry in planned:
        event = entry.dagster_event
        if event is None or event.asset_key is None:
            continue
        if only_failed and entry.step_key not in steps:
            continue
        asset = event.asset_key.to_user_string()
        made = readable_provenance(place, asset, dataset)
        begun = int(record.start_time or 0)
        if made is None or datetime.fromisoformat(made.written_at).timestamp() < begun:
            lost.append(asset)
    return sorted(lost)
