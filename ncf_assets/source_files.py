"""New and changed source files, and the sensor that asks for runs of just their datasets.

Where a dataset's file is, and how one is downloaded, is `ncf_assets.ingest.download`.
"""

import json

import dagster as dg

from ncf_assets.datasets import load
from ncf_assets.ingest import download
from ncf_assets.warehouse import DamagedError, Warehouse, data_dir

Signature = list[
    int
]  # size in bytes and time of change in ns, by which a file is told from another


def signatures(place: Warehouse) -> dict[str, Signature]:
    """The source files that are there, by dataset."""
    found = {}
    for dataset in load(place.registry).values():
        file = download.locate(dataset, place.registry.parent, place.raw)
        if file and file.is_file():
            facts = file.stat()
            found[dataset.name] = [facts.st_size, facts.st_mtime_ns]
    return found


def strangers(place: Warehouse) -> list[str]:
    """Files in data/raw that are no dataset's."""
    known = {
        download.locate(dataset, place.registry.parent, place.raw)
        for dataset in load(place.registry).values()
    }
    files = (file for file in place.raw.glob("*") if not file.name.startswith("."))
    return sorted(file.name for file in files if file not in known)


@dg.sensor(
    job_name="everything",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs the datasets whose file in data/raw is new or has changed. A file is taken"
    " when it is the same at two looks, so that one is not read while it is being copied.",
)
def new_source_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """The cursor holds what the last look found, and which of it has been asked for."""
    place = Warehouse(data_dir())
    before = json.loads(context.cursor or '{"seen": {}, "asked": {}}')
    found, asked = signatures(place), before["asked"]
    new = {name for name, signature in found.items() if signature != asked.get(name)}
    settled = {name for name in new if before["seen"].get(name) == found[name]}
    wanted = sorted(name for name in settled if _read_from(place, name) != found[name])
    cursor = {"seen": found, "asked": asked | {name: found[name] for name in settled}}
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{name} {found[name]}", partition_key=name) for name in wanted
        ],
        skip_reason=None if wanted else _why_none(place, new - settled),
        cursor=json.dumps(cursor),
    )


def _read_from(place: Warehouse, dataset: str) -> Signature | None:
    """The file that `raw_reviews` was made from."""
    try:
        stamp = place.find_stamp("raw_reviews", dataset)
    except DamagedError:
        return None
    return [stamp.source["size"], stamp.source["mtime_ns"]] if stamp else None


def _why_none(place: Warehouse, unsettled: set[str]) -> str:
    reasons = ["no file is new or has changed"]
    if unsettled:
        reasons = [
            f"taken at the next look if they stay as they are: {', '.join(sorted(unsettled))}"
        ]
    if unknown := strangers(place):
        reasons.append(f"of no dataset in {place.registry.name}: {', '.join(unknown)}")
    return "; ".join(reasons)
