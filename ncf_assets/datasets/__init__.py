"""The registry: which datasets there are, as `data/datasets.toml` lists them.

Here are the entry of one dataset and the reading of the file; what a block must satisfy is in
`ncf_assets.datasets.rules`. Fetching a dataset's file is `ncf_assets.ingest.download`'s work,
reading it `ncf_assets.ingest.reader`'s, and the folders under `data/` belong to
`ncf_assets.warehouse`.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ncf_assets.datasets.rules import (
    CSV_COLUMNS,
    FORMATS,
    RegistryError,
    check_block,
    check_file_name,
    check_name,
)

__all__ = ["CSV_COLUMNS", "FORMATS", "Dataset", "RegistryError", "load"]


@dataclass(frozen=True)
class Dataset:
    """One block of the registry: where a file of reviews comes from and how its lines read.

    `path` is absolute or relative to the registry's folder and wins over `url`; at least one is
    set. `csv_columns` is set for `ratings-csv` alone: a permutation of `CSV_COLUMNS`.
    `expected_reviews` is the number of lines that the publisher states, `sha256` the hash of the
    file as it lies, in hexadecimal. `synthetic` marks generated data, which reports must say.
    """

    name: str
    title: str
    format: str
    url: str | None = None
    path: str | None = None
    csv_columns: tuple[str, ...] | None = None
    expected_reviews: int | None = None
    sha256: str | None = None
    synthetic: bool = False
    note: str | None = None

    @property
    def reading(self) -> dict[str, object]:
        """What decides how the lines of the file are read."""
        columns = list(self.csv_columns) if self.csv_columns else None
        return {"format": self.format, "columns": columns}

    @property
    def file_name(self) -> str:
        """The file's name under `data/raw`: the last part of `url`, or else of `path`."""
        if self.url is None:
            return PurePosixPath(self.path or "").name
        return PurePosixPath(unquote(urlsplit(self.url).path)).name


def load(registry: Path) -> dict[str, Dataset]:
    """Read the registry; the datasets by name, in the file's order.

    Raises `RegistryError` where the file is missing, is not TOML or breaks a rule.
    """
    blocks = _blocks(registry)
    datasets = {name: _dataset(f"{registry}, [{name}]", name, blocks[name]) for name in blocks}
    if not datasets:
        raise RegistryError(f"{registry}: lists no dataset; add a block such as [Books]")
    _refuse_twins(registry, list(datasets.values()))
    return datasets


def _blocks(registry: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(registry.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegistryError(
            f"{registry}: there is no such file; restore data/datasets.toml from the repository"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(
            f"{registry}: must be TOML in UTF-8, found: {error}; correct it there "
            "(two blocks of one name count as an error too)"
        ) from error


def _dataset(where: str, name: str, block: object) -> Dataset:
    """Check one block and turn it into a `Dataset`; `where` opens every message."""
    check_name(where, name)
    if not isinstance(block, dict):
        raise RegistryError(
            f"{where}: must be a block, found a single value; write [{name}] and keys below it"
        )
    check_block(where, block)
    dataset = Dataset(
        name=name,
        title=block.get("title", name.replace("_", " ")),
        format=block["format"],
        url=block.get("url"),
        path=block.get("path"),
        csv_columns=tuple(block["columns"]) if "columns" in block else None,
        expected_reviews=block.get("expected_reviews"),
        sha256=block.get("sha256"),
        synthetic=block.get("synthetic", False),
        note=block.get("note"),
    )
    check_file_name(where, dataset.file_name, dataset.url or dataset.path, dataset.url is not None)
    return dataset


def _refuse_twins(registry: Path, datasets: list[Dataset]) -> None:
    """Refuse names that one folder cannot hold apart, and one file name for two URLs."""
    names: dict[str, str] = {}
    files: dict[str, Dataset] = {}
    for dataset in datasets:
        twin = names.setdefault(dataset.name.casefold(), dataset.name)
        if twin != dataset.name:
            raise RegistryError(
                f"{registry}, [{dataset.name}]: differs from [{twin}] in case only, "
                "which some file systems do not keep apart; rename one"
            )
        if dataset.path is not None:
            continue
        other = files.setdefault(dataset.file_name.removesuffix(".gz").casefold(), dataset)
        if other.url != dataset.url:
            raise RegistryError(
                f"{registry}, [{dataset.name}]: would share data/raw/{dataset.file_name} with "
                f"[{other.name}], whose url differs; give one of them a `path`"
            )
