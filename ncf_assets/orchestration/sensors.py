"""The sensors: runs for new and changed source files, and an end for runs whose process is gone.

Where a dataset's file is, and how one is downloaded, is `ncf_assets.ingest.download`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from ncf_assets.datasets import load
from ncf_assets.ingest import details, download
from ncf_assets.ingest.source import Signature, files_of, signature
from ncf_assets.orchestration.dagster_runs import find_dead_runs, mark_failed
from ncf_assets.orchestration.partitions import Partitions
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

WITH_DETAILS = ("item_details", "evaluation_report")  # what is made anew for new details alone


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a dataset that are there: reviews, and perhaps details of the items."""

    source: Path
    details: Path | None

    def signature(self) -> Signature:
        """Return what shows that a file has changed."""
        found = signature(self.source)
        if self.details:
            found |= {f"details {key}": value for key, value in signature(self.details).items()}
        return found


def find_files(place: Warehouse) -> dict[str, DatasetFiles]:
    """Return the files that are there, by dataset; those without reviews are left out."""
    folder, found = place.paths.registry.parent, {}
    for dataset in load(place.paths.registry).values():
        source = download.locate(dataset, folder, place.paths.raw)
        described = details.locate(dataset, folder, place.paths.raw)
        if source and files_of(source):
            there = described if described and described.is_file() else None
            found[dataset.name] = DatasetFiles(source, there)
    return found


def unregistered_files(place: Warehouse, known: Collection[Path]) -> list[str]:
    """Return the files in data/raw that belong to no dataset."""
    files = (file for file in place.paths.raw.glob("*") if not file.name.startswith("."))
    read = {*known, *(file for source in known for file in files_of(source))}
    return sorted(file.name for file in files if file not in read)


def new_source_files(partitions: Partitions) -> dg.SensorDefinition:
    """Make the sensor that requests runs of datasets whose files have settled."""

    @dg.sensor(
        name="new_source_files",
        job_name="everything",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs the datasets whose file of reviews, or of details of the items, is new or"
        " has changed; for new details alone only the titles and the report are made. A file is"
        " taken when it is the same at two looks, so that one is not read while it is being"
        " copied.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _look(context.cursor, partitions.get_partition_keys())

    return sensor


def _look(cursor: str | None, partitions: Collection[str]) -> dg.SensorResult:
    """Request runs, for which there must be partitions.

    The cursor holds what the last look found, and which of it has been asked for.
    """
    place = Warehouse.from_env()
    before = json.loads(cursor or '{"seen": {}, "asked": {}}')
    files = find_files(place)
    found = {name: of.signature() for name, of in files.items()}
    asked = before["asked"]
    new = {name for name, signature in found.items() if signature != asked.get(name)}
    # blocks that were added later; with a request for one of them Dagster would refuse all
    not_loaded = new - {*partitions}
    new -= not_loaded
    settled = sorted(name for name in new if before["seen"].get(name) == found[name])
    requests = [
        dg.RunRequest(
            run_key=f"{name} {found[name]} after {_made(place, name)}",
            partition_key=name,
            asset_selection=selection,
        )
        for name in settled
        if (selection := _out_of_date(place, name, files[name])) != []
    ]
    after = {"seen": found, "asked": asked | {name: found[name] for name in settled}}
    known = [file for of in files.values() for file in (of.source, of.details) if file]
    why_none = _why_none(place, known, new - {*settled}, not_loaded)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else why_none,
        cursor=json.dumps(after),
    )


def _out_of_date(place: Warehouse, dataset: str, files: DatasetFiles) -> list[dg.AssetKey] | None:
    """Return the assets to make for files that may have been read; None stands for all."""
    if not _was_read(place, "raw_reviews", dataset, files.source):
        return None
    if files.details is None or _was_read(place, "item_details", dataset, files.details):
        return []
    return [dg.AssetKey(name) for name in WITH_DETAILS]


def _was_read(place: Warehouse, table: str, dataset: str, file: Path) -> bool:
    """Return whether a table was made from this very file."""
    provenance = _provenance(place, table, dataset)
    return provenance is not None and signature(file).items() <= provenance.source.items()


def _made(place: Warehouse, dataset: str) -> list[str | None]:
    """Return when reviews and details were read: a file that comes back is asked for once more."""
    found = (_provenance(place, table, dataset) for table in ("raw_reviews", "item_details"))
    return [one.written_at if one else None for one in found]


def _provenance(place: Warehouse, table: str, dataset: str) -> Provenance | None:
    """Return where a table comes from; None if it is not there, or damaged."""
    try:
        return place.find_provenance(table, dataset)
    except DamagedError:
        return None


def _why_none(
    place: Warehouse, known: Collection[Path], unsettled: set[str], not_loaded: set[str]
) -> str:
    reasons = [] if unsettled or not_loaded else ["no file is new or has changed"]
    if unsettled:
        names = ", ".join(sorted(unsettled))
        reasons.append(f"taken at the next look if they stay as they are: {names}")
    if not_loaded:
        names = ", ".join(sorted(not_loaded))
        reload = "reload the definitions (Lineage, Reload definitions)"
        reasons.append(f"taken once you {reload}: {names}")
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
