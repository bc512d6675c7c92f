"""The registry: which datasets there are, as `data/datasets.toml` lists them.

Here are the entry of one dataset and the reading and checking of the file. Fetching a dataset's
file is `ncf_assets.ingest.download`'s work, reading it `ncf_assets.ingest.reader`'s, and the
folders under `data/` belong to `ncf_assets.warehouse`.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

FORMATS = ("amazon-2014", "amazon-2018", "amazon-2023", "ratings-csv")
CSV_COLUMNS = ("user", "item", "rating", "timestamp")

# What a block may hold: its keys, their TOML types, and how a message calls the type.
_KEYS: dict[str, tuple[type, str]] = {
    "format": (str, "text"),
    "title": (str, "text"),
    "url": (str, "text"),
    "path": (str, "text"),
    "columns": (list, "a list"),
    "expected_reviews": (int, "a whole number"),
    "synthetic": (bool, "true or false"),
    "note": (str, "text"),
}


class RegistryError(ValueError):
    """The registry breaks a rule; the message names file, block, rule and remedy."""


@dataclass(frozen=True)
class Dataset:
    """One block of the registry: where a file of reviews comes from and how its lines read.

    `path` is absolute or relative to the registry's folder and wins over `url`; at least one is
    set. `csv_columns` is set for `ratings-csv` alone: a permutation of `CSV_COLUMNS`.
    `expected_reviews` is the number of lines that the publisher states. `synthetic` marks generated
    data, which reports must say.
    """

    name: str
    title: str
    format: str
    url: str | None = None
    path: str | None = None
    csv_columns: tuple[str, ...] | None = None
    expected_reviews: int | None = None
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
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise RegistryError(f"{where}: a name has letters, digits and _ only; rename the block")
    if not isinstance(block, dict):
        raise RegistryError(
            f"{where}: must be a block, found a single value; write [{name}] and keys below it"
        )
    _check_keys(where, block)
    _check_source(where, block)
    dataset = Dataset(
        name=name,
        title=block.get("title", name.replace("_", " ")),
        format=block["format"],
        url=block.get("url"),
        path=block.get("path"),
        csv_columns=_csv_columns(where, block),
        expected_reviews=block.get("expected_reviews"),
        synthetic=block.get("synthetic", False),
        note=block.get("note"),
    )
    if dataset.file_name in ("", ".", ".."):
        raise RegistryError(
            f"{where}: the url or path must end with a file's name, "
            f"found {dataset.url or dataset.path!r}; add the name"
        )
    return dataset


def _check_keys(where: str, block: dict[str, Any]) -> None:
    for key, value in block.items():
        if key not in _KEYS:
            raise RegistryError(
                f"{where}: unknown key `{key}`; remove it or use one of: {', '.join(_KEYS)}"
            )
        kind, called = _KEYS[key]
        if type(value) is not kind:  # not isinstance: True is no whole number
            raise RegistryError(f"{where}: `{key}` must be {called}, found {value!r}; correct it")
    if block.get("format") not in FORMATS:
        raise RegistryError(
            f"{where}: `format` must be one of {', '.join(FORMATS)}, "
            f"found {block.get('format')!r}; set it"
        )
    if block.get("expected_reviews", 1) < 1:
        raise RegistryError(
            f"{where}: `expected_reviews` must be 1 or more, found {block['expected_reviews']}; "
            "correct it, or remove it where the number is not known"
        )


def _check_source(where: str, block: dict[str, Any]) -> None:
    if not block.get("url") and not block.get("path"):
        raise RegistryError(f"{where}: needs `url` or `path`, found neither; add one")
    if "url" in block and urlsplit(block["url"]).scheme not in ("http", "https"):
        raise RegistryError(
            f"{where}: `url` must start with http:// or https://, found {block['url']!r}; "
            "for a file on this machine use `path`"
        )


def _csv_columns(where: str, block: dict[str, Any]) -> tuple[str, ...] | None:
    columns = block.get("columns")
    if block["format"] != "ratings-csv":
        if columns is not None:
            raise RegistryError(
                f"{where}: `columns` belongs to the format ratings-csv, "
                f"found it with {block['format']}; remove it or change `format`"
            )
        return None
    if columns is None or sorted(map(str, columns)) != sorted(CSV_COLUMNS):
        raise RegistryError(
            f"{where}: ratings-csv needs `columns`, the order of {', '.join(CSV_COLUMNS)}, "
            f'found {columns!r}; set columns = ["user", "item", "rating", "timestamp"] or another '
            "order"
        )
    return tuple(columns)


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
