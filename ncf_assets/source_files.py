"""New and changed source files, and the sensor that asks for runs of just their datasets.

Where a dataset's file is, and how one is downloaded, is `ncf_assets.ingest.download`.
"""

import json
from collections.abc import Collection
from pathlib import Path

import dagster as dg

from ncf_assets.datasets import load
from ncf_assets.ingest import download
from ncf_assets.ingest.source import Signature, files_of, signature
from ncf_assets.warehouse import DamagedError, Stamp, Warehouse


def located(place: Warehouse) -> dict[str, Path]:
    """The sources that are there, by dataset."""
    sources = {
        dataset.name: download.locate(dataset, place.registry.parent, place.raw)
        for dataset in load(place.registry).values()
    }
    return {name: source for name, source in sources.items() if source and files_of(source)}


def strangers(place: Warehouse, known: Collection[Path]) -> list[str]:
    """Files in data/raw that are no dataset's."""
    files = (file for file in place.raw.glob("*") if not file.name.startswith("."))
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
    """The cursor holds what the last look found, and which of it has been asked for."""
    place = Warehouse.of_environment()
    before = json.loads(context.cursor or '{"seen": {}, "asked": {}}')
    sources = located(place)
    found = {name: signature(source) for name, source in sources.items()}
    asked = before["asked"]
    new = {name for name, signature in found.items() if signature != asked.get(name)}
    settled = {name for name in new if before["seen"].get(name) == found[name]}
    made = {name: _stamp(place, name) for name in settled}
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


def _stamp(place: Warehouse, dataset: str) -> Stamp | None:
    """Where `raw_reviews` comes from; None if it is not there, or damaged."""
    try:
        return place.find_stamp("raw_reviews", dataset)
    except DamagedError:
        return None


def _was_read(stamp: Stamp | None, found: Signature) -> bool:
    """Whether `raw_reviews` was made from this very file."""
    return stamp is not None and found.items() <= stamp.source.items()


def _run_key(dataset: str, found: Signature, made: Stamp | None) -> str:
    """What is asked for once; again where a file is once more as it was before another."""
    return f"{dataset} {found} after {made.written_at if made else 'none'}"


def _why_none(place: Warehouse, known: Collection[Path], unsettled: set[str]) -> str:
    reasons = ["no file is new or has changed"]
    if unsettled:
        names = ", ".join(sorted(unsettled))
        reasons = [f"taken at the next look if they stay as they are: {names}"]
    if unknown := strangers(place, known):
        reasons.append(f"of no dataset in {place.registry.name}: {', '.join(unknown)}")
    return "; ".join(reasons)
