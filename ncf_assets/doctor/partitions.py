"""Partitions that nobody knows, that are missing, or whose files are damaged."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ncf_assets.best_trial import SEARCH
from ncf_assets.datasets import Dataset
from ncf_assets.doctor.finding import Finding, readable_stamp
from ncf_assets.freshness import Asset
from ncf_assets.tables import tables
from ncf_assets.warehouse import EVERY, DamagedError, Warehouse
from ncf_assets.warehouse.parquet import verify


def foreign(place: Warehouse, registry: Mapping[str, Dataset]) -> Iterator[Finding]:
    """Datasets that datasets.toml lacks, and tables that this version lacks."""
    files = [*place.root.glob("tables/*/dataset=*/*.parquet")]
    files += [*place.root.glob("models/*/dataset=*/model.json")]
    files += [*place.root.glob("reports/dataset=*/report.json")]
    datasets = {file.parent.name.removeprefix("dataset=") for file in files}
    for name in sorted(datasets - set(registry)):
        yield Finding(
            f"there are files of dataset {name}, which {place.registry} does not list",
            f"add a block [{name}] there, or remove {place.root}/*/*/dataset={name} and"
            f" {place.root}/reports/dataset={name}",
        )
    folders = {file.parents[1] for file in files if file.suffix == ".parquet"}
    for folder in sorted(folders):
        if folder.name not in tables():
            yield Finding(
                f"{folder} holds a table that this version does not know",
                "remove it, or move what you want to keep out of tables/",
            )


def damaged(place: Warehouse, assets: Iterable[Asset], dataset: str) -> Iterator[Finding]:
    """Tables that do not read to their end as they were written, models and reports likewise."""
    for asset in assets:
        file = place.file(asset.name, dataset)
        try:
            if not file.exists():
                continue
            if file.suffix == ".parquet":
                verify(file)
            else:
                _verify_record(place, asset.name, dataset)
        except DamagedError as error:
            yield Finding(str(error), _made_again(asset.name, dataset))


def missing(place: Warehouse, assets: Sequence[Asset], dataset: str) -> Iterator[Finding]:
    """What is not there, though something was made from it."""
    stamps = {asset.name: readable_stamp(place, asset.name, dataset) for asset in assets}
    for asset in assets:
        made = [name for name, stamp in stamps.items() if stamp and asset.name in stamp.inputs]
        if made and not place.file(asset.name, dataset).exists():
            yield Finding(
                f"{asset.name} of {dataset} is missing, from which {' and '.join(made)} came",
                _made_again(asset.name, dataset),
            )


def _made_again(asset: str, dataset: str) -> str:
    """The remedy of what can be made again."""
    if dataset == EVERY:
        return f"run `ncf-assets {asset}`"
    if asset == SEARCH:
        return f"run `ncf-assets tune {dataset}`"
    return f"run `ncf-assets materialize {dataset} --select '{asset}+'`"


def _verify_record(place: Warehouse, asset: str, dataset: str) -> None:
    """Raise DamagedError unless the record reads, and the files that it names are there, whole."""
    place.stamp(asset, dataset)
    record, folder = place.record(asset, dataset), place.folder(asset, dataset)
    named = record["files"] if "files" in record else [record["file"]]
    for file in (folder / name for name in named if name):
        if not file.exists():
            raise DamagedError(f"{file} is missing, though {asset}'s record names it")
        if asset.endswith("_model"):
            _verify_archive(file)


def _verify_archive(file: Path) -> None:
    """Models are zip archives, with a checksum of each part."""
    try:
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
    except zipfile.BadZipFile as error:
        raise DamagedError(f"{file} is damaged ({error})") from error
    if broken:
        raise DamagedError(f"{file} is damaged (in {broken})")
