"""Dagster's runs: one for each dataset at a time, and dead ones shown as failed.

A run claims its dataset with the resource `warehouse`, whoever launches it, and says so in a tag.
A run with that tag whose claim is free, or another run's, is dead. The claim itself is a lock of
`ncf_assets.warehouse.claims`.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterRunStatus as Status

from ncf_assets.warehouse import Warehouse, data_dir
from ncf_assets.warehouse.claims import Holder, claim, holder

CLAIM_TAG = "ncf-assets/claim"
PARTITION_TAG = "dagster/partition"
UNENDED = [Status.NOT_STARTED, Status.STARTING, Status.STARTED, Status.CANCELING]
SECOND_LOOK = 2.0  # seconds; a run that ends frees its claim a moment before Dagster notes its end


def claiming(at: Warehouse) -> dg.ResourceDefinition:
    """The resource `warehouse`: whoever has it has claimed the run's dataset.

    Its selects run on the resource `engine`.
    """

    @dg.resource(
        required_resource_keys={"engine"},
        description="The tables, models and reports, with a claim on the run's dataset.",
    )
    def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        place = replace(at, spark=context.resources.engine)
        instance = context.instance
        run = instance.get_run_by_id(context.run.run_id) if instance and context.run else None
        if instance is None or run is None or run.is_finished or PARTITION_TAG not in run.tags:
            yield place  # to look at: `dg launch` asks for it again after the run has ended
            return
        with claim(place.root, run.tags[PARTITION_TAG], run.run_id):
            instance.add_run_tags(run.run_id, claim_tag(place, run.run_id))
            yield place

    return warehouse


def claim_tag(place: Warehouse, run_id: str) -> dict[str, str]:
    """The tag of a run that has claimed its dataset; a rerun that copies it has another id."""
    return {CLAIM_TAG: f"{run_id} {place.root}"}


def suspects(instance: dg.DagsterInstance, place: Warehouse) -> dict[str, dg.DagsterRun]:
    """Runs that Dagster shows as under way and whose process seems to be gone, by id."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNENDED))
    holders: dict[str, Holder | None] = {}
    found = {}
    for record in records:
        run = record.dagster_run
        dataset = run.tags.get(PARTITION_TAG)
        if dataset is None:
            continue
        if dataset not in holders:
            holders[dataset] = holder(place.root, dataset)
        if not _may_live(instance, place, record, holders[dataset]):
            found[run.run_id] = run
    return found


def dead(instance: dg.DagsterInstance, place: Warehouse) -> list[dg.DagsterRun]:
    """Runs that Dagster shows as under way and whose process is gone: suspect at two looks."""
    first = suspects(instance, place)
    if not first:
        return []
    time.sleep(SECOND_LOOK)
    second = suspects(instance, place)
    return [run for run_id, run in second.items() if run_id in first]


def fail(instance: dg.DagsterInstance, runs: Iterable[dg.DagsterRun]) -> None:
    """Have Dagster show dead runs as failed, and free what they occupied in its queue."""
    for run in runs:
        message = "The process of this run is gone: killed, or the machine went down. Run it again."
        instance.report_run_failed(run, message)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process is gone, so that no queue waits for them.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.SensorResult:
    """The cursor holds the suspects of one look for the next."""
    seen = set((context.cursor or "").split())
    found = suspects(context.instance, Warehouse(data_dir()))
    gone = [run for run_id, run in found.items() if run_id in seen]
    fail(context.instance, gone)
    said = "dead: " + ", ".join(run.run_id for run in gone) if gone else "no run is dead"
    return dg.SensorResult(skip_reason=said, cursor=" ".join(found))


def _may_live(
    instance: dg.DagsterInstance,
    place: Warehouse,
    record: dg.RunRecord,
    held_by: Holder | None,
) -> bool:
    """Whether a run holds its claim, or may not yet have come to it."""
    run = record.dagster_run
    if held_by and held_by.run_id == run.run_id:
        return True
    if run.tags.get(CLAIM_TAG) == claim_tag(place, run.run_id)[CLAIM_TAG]:
        return False
    waited = (datetime.now(UTC) - record.update_timestamp).total_seconds()
    return waited < instance.run_monitoring_start_timeout_seconds
