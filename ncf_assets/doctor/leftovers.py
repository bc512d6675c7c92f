"""What killed runs leave: runs shown as under way, files, checkpoints, an old catalogue."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from ncf_assets.doctor.finding import Finding, readable_stamp
from ncf_assets.freshness import Asset
from ncf_assets.runs import dataset_of, dead, fail
from ncf_assets.warehouse import Warehouse, catalogue, spoken
from ncf_assets.warehouse.checkpoints import training_of
from ncf_assets.warehouse.claims import claim, leftovers
from ncf_assets.warehouse.files import abandoned, remove
from ncf_assets.warehouse.memory import export_spill

DOCTOR = "doctor"  # who holds a dataset while it is being mended


def dead_runs(instance: dg.DagsterInstance, place: Warehouse) -> Iterator[Finding]:
    """Runs that Dagster shows as under way, though nobody works on them."""
    for run in dead(instance, place):
        yield Finding(
            f"run {run.run_id} of {spoken(dataset_of(run))} is shown as {run.status.value.lower()},"
            " but its process is gone",
            "mark it as failed",
            lambda run=run: fail(instance, [run]),  # type: ignore[misc]
        )


def temporary_files(place: Warehouse, dataset: str) -> Iterator[Finding]:
    """Files and folders that were being written."""
    found = leftovers(place.root, dataset)
    if found:

        def sweep() -> None:
            with claim(place, dataset, DOCTOR):
                pass  # whoever claims a dataset sweeps it

        names = "\n".join(f"  {path}" for path in found)
        yield Finding(f"a killed run of {spoken(dataset)} left\n{names}", "remove them", sweep)


def spilled_exports(place: Warehouse) -> Iterator[Finding]:
    """What exports had no memory for, on the disk that is for it."""
    target = export_spill(place.root)
    if target and (found := abandoned(target)):

        def sweep() -> None:
            for path in found:
                remove(path)

        names = "\n".join(f"  {path}" for path in found)
        yield Finding(f"a killed export left\n{names}", "remove them", sweep)


def checkpoints(place: Warehouse, assets: Sequence[Asset], dataset: str) -> Iterator[Finding]:
    """Progress of interrupted trainings that no run will go on with."""
    for asset in assets:
        file = place.checkpoint(asset.name, dataset)
        if file.exists() and (why := _why_useless(place, asset, dataset, file)):

            def forget(file: Path = file) -> None:
                with claim(place, dataset, DOCTOR):
                    file.unlink(missing_ok=True)

            yield Finding(f"{file} is of no use: {why}", "remove it", forget)


def stale_catalogue(place: Warehouse) -> Iterator[Finding]:
    """A database that does not show the tables that there are."""

    def rebuild() -> None:
        catalogue.rebuild(place.database, place.root)

    for fault in catalogue.faults(place.database, place.root):
        yield Finding(f"{place.database} {fault}", "rebuild it", rebuild)


def _why_useless(place: Warehouse, asset: Asset, dataset: str, file: Path) -> str | None:
    """Why nobody will go on with a training; None if the next run may."""
    training = training_of(file)
    if training is None:
        return "it is damaged"
    if training["code"] != asset.code:
        return f"the code of {asset.name} has changed since"
    made = readable_stamp(place, asset.name, dataset)
    if made and training == {name: getattr(made, name) for name in ("code", "inputs", "config")}:
        return "the training has ended since"
    for name, content in training["inputs"].items():
        stamp = readable_stamp(place, name, dataset)
        if stamp and stamp.content != content:
            return f"{name} has changed since"
    return None
