"""Read what a file says of items, such as Amazon's `meta_*` files: titles, brands, prices.

Lines are read as those of reviews are, in JSON or as Python dictionaries; those of other items are
passed over. The reviews themselves are read in `ncf_assets.ingest.reader`.
"""

import html
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import download, reader
from ncf_assets.ingest.formats import decoder

_PRICE = re.compile(r"\$?\s*(\d[\d,]*(?:\.\d+)?)")  # no range such as $5.00 - $9.99


class _Details(msgspec.Struct, gc=False):
    """The keys of 2014, 2018 and 2023 that are read; those of an item's own list are the first."""

    item_id: Any = None
    parent_asin: Any = None
    asin: Any = None
    title: Any = None
    brand: Any = None
    store: Any = None
    category: Any = None
    categories: Any = None
    main_category: Any = None
    price: Any = None


@dataclass
class Found:
    """The details of the items that were asked for, by their ids, and how many lines have none."""

    rows: dict[str, dict[str, str | float | None]] = field(default_factory=dict)
    unread: int = 0


def locate(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> Path | None:
    """Return the file of details that the registry names; None if it names none.

    What an address names is in `raw_folder` once it has been downloaded, as `published` says.
    """
    if dataset.details is None:
        return None
    if there := published(dataset):
        found = download.locate(there, registry_folder, raw_folder)
        return found or raw_folder / there.download_name
    return registry_folder / Path(dataset.details).expanduser()


def published(dataset: Dataset) -> Dataset | None:
    """Return the details as a dataset to download; None if the registry has no address of them."""
    if urlsplit(dataset.details or "").scheme not in ("http", "https"):
        return None
    return replace(dataset, url=dataset.details, path=None, sha256=None)


def refusal(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> str | None:
    """Return why the file of details cannot be had, as far as one short question can tell."""
    file = locate(dataset, registry_folder, raw_folder)
    if file is None or file.is_file():
        return None
    if there := published(dataset):
        reason = download.refusal(there, registry_folder, raw_folder)
        return in_its_words(reason) if reason else None
    return f"{file} does not exist. Put the file there, or correct `details` of {dataset.block}."


def in_its_words(reason: str) -> str:
    """Return why a download failed, with the registry's key for details in place of `url`."""
    return reason.replace("Correct `url`", "Correct `details`")


def read(file: Path, wanted: Collection[str], max_unpacked: int) -> Found:
    """Return the details of the wanted items; of an item that comes again the first line counts.

    Raise `SourceError` if the file cannot be read.
    """
    decode, found = decoder(_Details), Found()
    for lines, _ in reader.lines(file, max_unpacked):
        if isinstance(lines, reader.OversizedLine):
            found.unread += 1
            continue
        for line in filter(None, lines):
            try:
                details = decode(line)
            except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
                found.unread += 1
                continue
            item = details.item_id or details.parent_asin or details.asin
            if item is None:
                found.unread += 1
            elif str(item) in wanted and str(item) not in found.rows:
                found.rows[str(item)] = _row(details)
    return found


def _row(details: _Details) -> dict[str, str | float | None]:
    return {
        "title": _text(details.title),
        "brand": _text(details.brand) or _text(details.store),
        "category": _path(details.category or details.categories or details.main_category),
        "price": _number(details.price),
    }


def _text(value: Any) -> str | None:
    """Return a text without HTML's entities and with single spaces; None for an empty one."""
    return " ".join(html.unescape(value).split()) or None if isinstance(value, str) else None


def _path(value: Any) -> str | None:
    """Return a list of categories as one text; of a list of lists the first."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        value = value[0]
    parts = value if isinstance(value, list) else [value]
    return " > ".join(filter(None, map(_text, parts))) or None


def _number(value: Any) -> float | None:
    """Return a price that may be written as `$1,299.00`; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _PRICE.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1].replace(",", "")) if found else None
