"""Find what killed runs leave: runs shown as under way, orphaned files, checkpoints, old views.

Partitions are examined in `ncf_assets.doctor.partitions`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import dagster as dg

from ncf_assets.doctor.finding import Finding, readable_provenance
from ncf_assets.orchestration.checkpoints import SAME, SET_ASIDE, read_key
from ncf_assets.orchestration.dagster_runs import dataset_of, find_dead_runs, mark_failed
from ncf_assets.orchestration.staleness import Asset
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.dataset_lock import dataset_lock, orphaned_files
from ncf_assets.warehouse.duckdb_limits import export_spill, shell_spill
from ncf_assets.warehouse.files import orphaned_temp_dirs, remove
from ncf_assets.warehouse.paths import display_name
from ncf_assets.warehouse.warehouse import Warehouse

DOCTOR = "doctor"  # the holder of a dataset's lock while something of it is fixed


def dead_runs(instance: dg.DagsterInstance, place: Warehouse) -> Iterator[Finding]:
    """Yield runs that Dagster shows as under way, though their process is gone."""
    for run in find_dead_runs(instance, place):
        yield Finding(
            f"run {run.run_id} of {display_name(dataset_of(run))} is shown as"
            f" {run.status.value.lower()}, but its process is gone",
            "mark it as failed",
            lambda run=run: mark_failed(instance, [run]),  # type: ignore[misc]
        )


def temporary_files(place: Warehouse, dataset: str) -> Iterator[Finding]:
    """Yield the files and folders that a killed run was writing."""
    found = orphaned_files(place.root, dataset)
    if found:

        def remove_files() -> None:
            with dataset_lock(place, dataset, DOCTOR):
                pass  # taking the lock removes them

        names = "\n".join(f"  {path}" for path in found)
        yield Finding(
            f"a killed run of {display_name(dataset)} left\n{names}", "remove them", remove_files
        )


def spilled_exports(place: Warehouse) -> Iterator[Finding]:
    """Yield the folders to which killed exports and shells spilled what did not fit into memory."""
    targets = {"export": export_spill(place.root), "shell": shell_spill(place.root)}
    for name, target in targets.items():
        if target and (found := orphaned_temp_dirs(target)):

            def remove_folders(found: list[Path] = found) -> None:
                for path in found:
                    remove(path)

            names = "\n".join(f"  {path}" for path in found)
            yield Finding(f"a killed {name} left\n{names}", "remove them", remove_folders)


def checkpoints(place: Warehouse, assets: Sequence[Asset], dataset: str) -> Iterator[Finding]:
    """Yield the checkpoints of interrupted trainings that no run will resume."""
    for asset in assets:
        file = place.paths.checkpoint(asset.name, dataset)
        aside = file.with_name(SET_ASIDE)
        useless = {file: _why_useless(place, asset, dataset, file)} if file.exists() else {}
        useless |= {aside: "a run could not resume it"} if aside.exists() else {}
        for path, why in useless.items():

            def delete(path: Path = path) -> None:
                with dataset_lock(place, dataset, DOCTOR):
                    path.unlink(missing_ok=True)

            if why:
                yield Finding(f"{path} is of no use: {why}", "remove it", delete)


def stale_catalogue(place: Warehouse) -> Iterator[Finding]:
    """Yield the differences between the catalogue and the tables that exist."""

    def rebuild() -> None:
        catalogue.rebuild(place.paths.database, place.published)

    if not place.published.is_local:
        return
    for fault in catalogue.faults(place.paths.database, place.published):
        yield Finding(f"{place.paths.database} {fault}", "rebuild it", rebuild)


def _why_useless(place: Warehouse, asset: Asset, dataset: str, file: Path) -> str | None:
    """Return why no run will resume a training; None if the next run may."""
    training = read_key(file)
    if training is None:
        return "it is damaged, or was made by another version or with other settings of Keras"
    if training["code_version"] != asset.code_version:
        return f"the code of {asset.name} has changed since"
    made = readable_provenance(place, asset.name, dataset)
    if made and all(training[name] == getattr(made, name) for name in SAME):
        if file.stat().st_mtime > datetime.fromisoformat(made.written_at).timestamp() + 1:
            return None  # of the same training, which was begun again
        return "the training has ended since"
    for name, content in training["input_hashes"].items():
        provenance = readable_provenance(place, name, dataset)
        if provenance and provenance.content_hash != content:
            return f"{name} has changed since"
    return None
