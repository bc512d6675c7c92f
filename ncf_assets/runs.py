"""Dagster's runs: one for each dataset at a time, and dead ones shown as failed.

A run claims its dataset with the resource `warehouse`, whoever launches it, and says so in a tag,
which also says when it has let go. A run that has claimed and not let go, and whose claim is free
or another run's, is dead. The claim itself is a lock of `ncf_assets.warehouse.claims`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus as Status

from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import claim, holders, last_holder

CLAIM_TAG = "ncf-assets/claim"
UNENDED = [Status.NOT_STARTED, Status.STARTING, Status.STARTED, Status.CANCELING]
BETWEEN_STEPS = timedelta(minutes=10)  # that are processes of their own, their start included; ours


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
        if instance is None or run is None or run.is_finished:
            yield place  # to look at: `dg launch` asks for it again after the run has ended
            return
        with claim(place, dataset_of(run), run.run_id), _tagged(instance, run, place):
            yield place

    return warehouse


@contextmanager
def _tagged(instance: dg.DagsterInstance, run: dg.DagsterRun, place: Warehouse) -> Iterator[None]:
    """Have the run's tag say that it has claimed its dataset, and then that it has let go."""
    own = claim_tag(place, run.run_id)
    if own.items() <= run.tags.items():  # a command holds it until the run has ended
        yield
        return
    instance.add_run_tags(run.run_id, own)
    try:
        yield
    finally:
        instance.add_run_tags(run.run_id, _let_go_tag(place, run.run_id))


def dataset_of(run: dg.DagsterRun) -> str:
    """The dataset that a run works on; EVERY if it makes a table of all datasets."""
    return run.tags.get("dagster/partition", EVERY)


def claim_tag(place: Warehouse, run_id: str) -> dict[str, str]:
    """The tag of a run that has claimed its dataset; a rerun that copies it has another id."""
    return {CLAIM_TAG: f"{run_id} {place.name}"}


def _let_go_tag(place: Warehouse, run_id: str) -> dict[str, str]:
    return {CLAIM_TAG: f"let go: {run_id} {place.name}"}


def dead(instance: dg.DagsterInstance, place: Warehouse) -> list[dg.DagsterRun]:
    """Runs that Dagster shows as under way and whose process is gone."""
    first = _suspects(instance, place)
    # a run may have ended between Dagster's answer and the look at its claim
    second = _suspects(instance, place) if first else {}
    return [run for run_id, run in second.items() if run_id in first]


def _suspects(instance: dg.DagsterInstance, place: Warehouse) -> dict[str, dg.DagsterRun]:
    """Runs that are shown as under way, and do not hold what they have claimed, by id."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNENDED))
    # others are not ours to judge: they may be at other data, or wait for their process to begin
    claimed = [record.dagster_run for record in records if _should_hold(record, place)]
    held_by = {
        dataset: {who.run_id for who in holders(place, dataset)}
        for dataset in map(dataset_of, claimed)
    }
    return {run.run_id: run for run in claimed if run.run_id not in held_by[dataset_of(run)]}


def _should_hold(record: dg.RunRecord, place: Warehouse) -> bool:
    """Whether a run has claimed its dataset, by its tag or, if it died before that, by the claim.

    One that has let go is about to end, or between two steps that are processes of their own.
    """
    run = record.dagster_run
    last = last_holder(place.root, dataset_of(run))
    if last is not None and last.run_id == run.run_id:
        return True
    tags = run.tags.items()
    if _let_go_tag(place, run.run_id).items() <= tags:
        return datetime.now(UTC) - record.update_timestamp > BETWEEN_STEPS
    return claim_tag(place, run.run_id).items() <= tags


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
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Says which they were."""
    gone = dead(context.instance, Warehouse.of_environment())
    fail(context.instance, gone)
    return dg.SkipReason(
        "dead: " + ", ".join(run.run_id for run in gone) if gone else "no run is dead"
    )
