"""Find partitions that are not registered, that are missing, or whose files are damaged.

What killed runs leave next to partitions is found in `ncf_assets.doctor.leftovers`.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ncf_assets.datasets import Dataset
from ncf_assets.doctor.finding import Finding, readable_provenance
from ncf_assets.ingest import compression
from ncf_assets.ingest.compression import SourceError
from ncf_assets.orchestration.staleness import Asset, remake
from ncf_assets.tables import tables
from ncf_assets.warehouse.parquet import DamagedError, verify
from ncf_assets.warehouse.warehouse import Warehouse


def unregistered(
    place: Warehouse, registry: Mapping[str, Dataset], faults: Sequence[str]
) -> Iterator[Finding]:
    """Yield datasets that datasets.toml lacks, and tables that this version lacks.

    While the registry has faults, it is not known which datasets it would list.
    """
    files = place.published.glob("tables/*/dataset=*/*.parquet")
    files += place.published.glob("models/*/dataset=*/model.json")
    files += place.published.glob("reports/dataset=*/report.json")
    datasets = {file.parent.name.removeprefix("dataset=") for file in files}
    for name in sorted(datasets - set(registry)) if not faults else ():
        yield Finding(
            f"there are files of dataset {name}, which {place.paths.registry} does not list",
            f"add a block [{name}] there, or remove {place.name}/*/*/dataset={name} and"
            f" {place.name}/reports/dataset={name}",
        )
    folders = {file.parents[1] for file in files if file.suffix == ".parquet"}
    for folder in sorted(folders):
        if folder.name not in tables():
            yield Finding(
                f"{place.published.name(folder)} has a table that this version does not know",
                "remove it, or move what you want to keep out of tables/",
            )


def web_pages(place: Warehouse) -> Iterator[Finding]:
    """Yield web pages in raw/, as a server or a proxy sends them in place of a file."""
    for file in sorted(place.paths.raw.glob("*")):
        with suppress(SourceError):  # of a file that cannot be read
            if file.is_file() and compression.is_web_page(file):
                yield Finding(
                    f"{file} is a web page{_title(file)}, not a file of reviews",
                    "remove it, correct the dataset's url if it has one, and materialize again",
                )


def _title(page: Path) -> str:
    """Return the title of a web page in parentheses, if it has one."""
    with compression.opened(page) as file:
        found = re.search(rb"<title>(.*?)</title>", file.read(4096), re.DOTALL | re.IGNORECASE)
    return f" ({found[1].decode(errors='replace').strip()})" if found else ""


def damaged(place: Warehouse, assets: Iterable[Asset], dataset: str) -> Iterator[Finding]:
    """Yield tables, models and reports that differ from what was written, reading all of them."""
    for asset in assets:
        try:
            file = place.published.find(place.paths.file(asset.name, dataset))
            if file is None:
                continue
            if file.suffix == ".parquet":
                verify(file)
            else:
                _verify_record(place, asset.name, dataset)
        except DamagedError as error:
            yield Finding(str(error), _remedy(asset.name, dataset))


def missing(place: Warehouse, assets: Sequence[Asset], dataset: str) -> Iterator[Finding]:
    """Yield partitions that do not exist, though something was made from them."""
    provenances = {asset.name: readable_provenance(place, asset.name, dataset) for asset in assets}
    for asset in assets:
        made = [
            name
            for name, provenance in provenances.items()
            if provenance and asset.name in provenance.input_hashes
        ]
        if made and place.published.find_footer(place.paths.file(asset.name, dataset)) is None:
            yield Finding(
                f"{asset.name} of {dataset} is missing, though it was read for"
                f" {' and '.join(made)}",
                _remedy(asset.name, dataset),
            )


def _remedy(asset: str, dataset: str) -> str:
    return f"run `{remake([asset], dataset)}`"


def _verify_record(place: Warehouse, asset: str, dataset: str) -> None:
    """Raise DamagedError unless the record reads, its files exist, and a model's is undamaged."""
    place.get_provenance(asset, dataset)
    record, folder = place.record(asset, dataset), place.paths.folder(asset, dataset)
    named = record["files"] if "files" in record else [record["file"], record.get("fold_in")]
    for path in (folder / name for name in named if name):
        file = place.published.find(path)
        if file is None:
            missing = place.published.name(path)
            raise DamagedError(f"{missing} is missing, though {asset}'s record names it")
        if asset.endswith("_model"):
            _verify_archive(file)


def _verify_archive(file: Path) -> None:
    """Raise DamagedError if a model is damaged: it is a zip archive with checksums."""
    try:
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
    except zipfile.BadZipFile as error:
        raise DamagedError(f"{file} is damaged ({error})") from error
    if broken:
        raise DamagedError(f"{file} is damaged (in {broken})")
