"""The sensors: runs for new and changed source files, and an end for runs whose process is gone.

Where a dataset's file is, and how one is downloaded, is `ncf_assets.ingest.download`.
"""

import json
from collections.abc import Collection
from pathlib import Path

import dagster as dg

from ncf_assets.datasets import load
from ncf_assets.ingest import download
from ncf_assets.ingest.source import Signature, files_of, signature
from ncf_assets.orchestration.dagster_runs import find_dead_runs, mark_failed
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse


def find_sources(place: Warehouse) -> dict[str, Path]:
    """Return the sources that are there, by dataset."""
    sources = {
        dataset.name: download.locate(dataset, place.paths.registry.parent, place.paths.raw)
        for dataset in load(place.paths.registry).values()
    }
    return {name: source for name, source in sources.items() if source and files_of(source)}


def unregistered_files(place: Warehouse, known: Collection[Path]) -> list[str]:
    """Return the files in data/raw that belong to no dataset."""
    files = (file for file in place.paths.raw.glob("*") if not file.name.startswith("."))
    read = {*known, *(file for source in known for file in files_of(source))}
    return sorted(file.name for file in files if file not in read)


@dg.sensor(
    job_name="everything",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs the datasets whose file in data/raw is new or has changed. A file is taken"
    " when it is the same at two looks, so that one is not read while it is being copied.",
)
def new_source_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request runs of datasets whose file has settled.

    The cursor holds what the last look found, and which of it has been asked for.
    """
    place = Warehouse.from_env()
    before = json.loads(context.cursor or '{"seen": {}, "asked": {}}')
    sources = find_sources(place)
    found = {name: signature(source) for name, source in sources.items()}
    asked = before["asked"]
    new = {name for name, signature in found.items() if signature != asked.get(name)}
    settled = {name for name in new if before["seen"].get(name) == found[name]}
    made = {name: _provenance(place, name) for name in settled}
    wanted = sorted(name for name in settled if not _was_read(made[name], found[name]))
    cursor = {"seen": found, "asked": asked | {name: found[name] for name in settled}}
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=_run_key(name, found[name], made[name]), partition_key=name)
            for name in wanted
        ],
        skip_reason=None if wanted else _why_none(place, sources.values(), new - settled),
        cursor=json.dumps(cursor),
    )


def _provenance(place: Warehouse, dataset: str) -> Provenance | None:
    """Return where `raw_reviews` comes from; None if it is not there, or damaged."""
    try:
        return place.find_provenance("raw_reviews", dataset)
    except DamagedError:
        return None


def _was_read(provenance: Provenance | None, found: Signature) -> bool:
    """Whether `raw_reviews` was made from this very file."""
    return provenance is not None and found.items() <= provenance.source.items()


def _run_key(dataset: str, found: Signature, made: Provenance | None) -> str:
    """Return a key under which a run is requested once; a file that comes back has a new one."""
    return f"{dataset} {found} after {made.written_at if made else 'none'}"


def _why_none(place: Warehouse, known: Collection[Path], unsettled: set[str]) -> str:
    reasons = ["no file is new or has changed"]
    if unsettled:
        names = ", ".join(sorted(unsettled))
        reasons = [f"taken at the next look if they stay as they are: {names}"]
    if unknown := unregistered_files(place, known):
        reasons.append(f"of no dataset in {place.paths.registry.name}: {', '.join(unknown)}")
    return "; ".join(reasons)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed whose process is gone, so that no queue waits for them.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark dead runs as failed, and say which they were."""
    gone = find_dead_runs(context.instance, Warehouse.from_env())
    mark_failed(context.instance, gone)
    return dg.SkipReason(
        "dead: " + ", ".join(run.run_id for run in gone) if gone else "no run is dead"
    )
