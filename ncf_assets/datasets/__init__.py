"""Read the registry, `datasets.toml`, and a user's own blocks in `datasets.local.toml` next to it.

This module has the entry of one dataset and reads the file. The rules of a block are in
`ncf_assets.datasets.validation`. A dataset's file is downloaded in `ncf_assets.ingest.download` and
read in `ncf_assets.ingest.reader`. The folders under `data/` are in `ncf_assets.warehouse.paths`.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ncf_assets.datasets.text_file import EncodingError, read_utf8
from ncf_assets.datasets.validation import (
    FORMATS,
    LEAVE_ONE_OUT,
    ROLES,
    TIME_SPLIT,
    TIMESTAMP_UNITS,
    RegistryError,
    check_block,
    check_file_name,
    check_name,
)

__all__ = [
    "FORMATS",
    "LEAVE_ONE_OUT",
    "ROLES",
    "TIMESTAMP_UNITS",
    "TIME_SPLIT",
    "Dataset",
    "Registry",
    "RegistryError",
    "load",
    "local_file",
    "read",
]


@dataclass(frozen=True)
class Dataset:
    """One block of the registry: where a file of reviews comes from, and how its lines are read.

    `path` is absolute or relative to the registry's folder and wins over `url`; at least one of
    them is set. A table has `columns`, which say what it calls user, item, timestamp and perhaps
    rating; `order` has all its columns where there is no header line. `timestamp_unit` is set where
    times are numbers, and a `query` gives other rows than those of the file. `details` is the path
    or URL of a file with the items' titles. `split` says what is held out; a time split has its
    `cut`, a share of the interactions or a day, and its `targets`. `expected_reviews` is the number
    of lines that the publisher states. `sha256` is the hash of the file's own bytes, not unpacked,
    in hexadecimal. `synthetic` marks generated data, and reports must mention it.
    """

    name: str
    title: str
    format: str
    url: str | None = None
    path: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    separator: str = ","
    quote: str = '"'
    timestamp_unit: str | None = None
    query: str | None = None
    details: str | None = None
    split: str = LEAVE_ONE_OUT
    cut: float | date = 0.9
    targets: str = "all"
    expected_reviews: int | None = None
    sha256: str | None = None
    synthetic: bool = False
    note: str | None = None
    registry: str = "datasets.toml"  # the name of the file that has the block, or none has it yet

    @property
    def block(self) -> str:
        """What messages call the block, such as `[Books] in datasets.toml`."""
        return f"[{self.name}] in {self.registry}" if self.registry else "the block"

    @property
    def reading(self) -> dict[str, object]:
        """The values that decide how the lines of the file are read, as JSON has them."""
        if self.format != "table":
            return {"format": self.format}
        known = {
            "format": self.format,
            "columns": dict(self.columns),
            "order": list(self.order) if self.order else None,
            "separator": self.separator,
            "quote": self.quote,
            "timestamp_unit": self.timestamp_unit,
            "query": self.query,
        }
        return {name: value for name, value in known.items() if value is not None}

    @property
    def splitting(self) -> dict[str, object]:
        """The values that decide what is held out, as JSON has them."""
        if self.split == LEAVE_ONE_OUT:
            return {"split": self.split}
        cut = self.cut.isoformat() if isinstance(self.cut, date) else self.cut
        return {"split": TIME_SPLIT, "cut": cut, "targets": self.targets}

    @property
    def file_name(self) -> str:
        """The file's name under `data/raw`: the last part of `url`, or else of `path`."""
        if self.url is None:
            return PurePosixPath(self.path or "").name
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    @property
    def download_name(self) -> str:
        """The name of the file that the URL brings: another URL's file has another name."""
        name, dot, rest = self.file_name.partition(".")
        digest = hashlib.sha256(str(self.url).encode()).hexdigest()
        return f"{name}-{digest[:8]}{dot}{rest}"


@dataclass(frozen=True)
class Registry:
    """The datasets by name, and what is wrong with each block that is left out."""

    datasets: dict[str, Dataset]
    faults: tuple[str, ...]


def local_file(registry: Path) -> Path:
    """Return the file next to a registry that has a user's own blocks; it need not exist."""
    return registry.with_name("datasets.local.toml")


def load(registry: Path) -> dict[str, Dataset]:
    """Read the registry, and return the datasets by name, as `read` does, without the faults."""
    return read(registry).datasets


def read(registry: Path) -> Registry:
    """Read the registry and its `local_file`: the datasets in their order, and the faults.

    A block that breaks a rule is left out, and does not stop the others. Raise `RegistryError` if
    the registry is missing or is not TOML, or if no block of both is left.
    """
    datasets: dict[str, Dataset] = {}
    faults: list[str] = []
    for file in (registry, local_file(registry)):
        try:
            blocks = read_blocks(file) if file == registry or file.exists() else {}
        except RegistryError as error:
            if file == registry:
                raise
            faults.append(str(error))
            continue
        for name, block in blocks.items():
            try:
                dataset = replace(_dataset(f"{file}, [{name}]", name, block), registry=file.name)
                _check_distinct(file, dataset, datasets.values())
            except RegistryError as error:
                faults.append(str(error))
            else:
                datasets[name] = dataset
    if not datasets:
        none = f"{registry} lists no dataset. Add a block such as [Books]."
        raise RegistryError("\n".join(faults) or none)
    return Registry(datasets, tuple(faults))


def read_blocks(registry: Path) -> dict[str, Any]:
    """Return the blocks of one file, unchecked; raise `RegistryError` if it is no TOML in UTF-8."""
    try:
        return tomllib.loads(read_utf8(registry))
    except FileNotFoundError:
        raise RegistryError(
            f"{registry} does not exist. Restore data/datasets.toml from the repository."
        ) from None
    except EncodingError as error:
        raise RegistryError(str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(
            f"{registry} must be TOML in UTF-8, found: {error}. Correct it there; two blocks of one"
            " name are an error, too."
        ) from error


def _dataset(where: str, name: str, block: object) -> Dataset:
    """Check one block and return it as a `Dataset`; every message begins with `where`."""
    check_name(where, name)
    if not isinstance(block, dict):
        raise RegistryError(
            f"{where}: the entry must be a block, found a single value. Write [{name}] and keys"
            " below it."
        )
    check_block(where, block)
    columns = block.get("columns", {})
    order = tuple(columns) if isinstance(columns, list) else None
    dataset = Dataset(
        name=name,
        title=block.get("title", name.replace("_", " ")),
        format=block["format"],
        url=block.get("url"),
        path=block.get("path"),
        columns={role: role for role in order if role in ROLES}
        if order
        else block.get("columns", {}),
        order=order,
        separator=block.get("separator", ","),
        quote=block.get("quote", '"'),
        timestamp_unit=block.get("timestamp_unit"),
        query=block.get("query"),
        details=block.get("details"),
        **{key: block[key] for key in ("split", "cut", "targets") if key in block},
        expected_reviews=block.get("expected_reviews"),
        sha256=block.get("sha256"),
        synthetic=block.get("synthetic", False),
        note=block.get("note"),
    )
    check_file_name(where, dataset.file_name, dataset.url or dataset.path, dataset.url is not None)
    return dataset


def _check_distinct(file: Path, dataset: Dataset, others: Iterable[Dataset]) -> None:
    """Raise `RegistryError` for another's name, but for case, and for another URL of its file."""
    where = f"{file}, [{dataset.name}]"
    for other in others:
        if dataset.name == other.name:
            raise RegistryError(
                f"{where}: the registry has a dataset of this name. Rename this one."
            )
        if dataset.name.casefold() == other.name.casefold():
            raise RegistryError(
                f"{where}: the name differs from [{other.name}] in case only, and some file systems"
                " ignore case. Rename one."
            )
        if dataset.path is None and other.path is None and _shares_a_file(dataset, other):
            raise RegistryError(
                f"{where}: the dataset would share data/raw/{dataset.file_name} with"
                f" [{other.name}], whose url differs. Give one of them a `path`."
            )


def _shares_a_file(one: Dataset, other: Dataset) -> bool:
    names = {each.file_name.removesuffix(".gz").casefold() for each in (one, other)}
    return len(names) == 1 and one.url != other.url
