"""Check the rules that a block of the registry must satisfy; each rule has its message.

The rules that concern several blocks, and the reading of the file, are in `ncf_assets.datasets`.
"""

import re
from typing import Any
from urllib.parse import urlsplit

FORMATS = ("amazon-2014", "amazon-2018", "amazon-2023", "ratings-csv")
LONGEST_NAME = 100  # characters; chosen: file systems take 255 bytes, and file names add some
CSV_COLUMNS = ("user", "item", "rating", "timestamp")

# the keys that a block may have, their TOML types, and the type's name in a message
_KEYS: dict[str, tuple[type, str]] = {
    "format": (str, "text"),
    "title": (str, "text"),
    "url": (str, "text"),
    "path": (str, "text"),
    "columns": (list, "a list"),
    "expected_reviews": (int, "a whole number"),
    "sha256": (str, "text"),
    "synthetic": (bool, "true or false"),
    "note": (str, "text"),
}


class RegistryError(ValueError):
    """The registry breaks a rule. The message names the file, block, rule and remedy."""


def check_name(where: str, name: str) -> None:
    """Raise `RegistryError` for a block's name that is not a folder's name on every system.

    The message begins with `where`, as those of all checks here.
    """
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise RegistryError(f"{where}: a name has letters, digits and _ only. Rename the block.")
    if len(name) > LONGEST_NAME:
        raise RegistryError(
            f"{where}: a name has {LONGEST_NAME} characters at most, found {len(name)}. Shorten it."
        )


def check_block(where: str, block: dict[str, Any]) -> None:
    """Raise `RegistryError` for a block that breaks a rule."""
    _check_keys(where, block)
    _check_source(where, block)
    _check_columns(where, block)


def check_file_name(where: str, name: str, found: str | None, from_url: bool) -> None:
    """Raise `RegistryError` for a name that no file below data/raw can have, or a hidden one."""
    if name in ("", ".", ".."):
        raise RegistryError(
            f"{where}: the url or path must end with a file's name, found {found!r}. Add the name."
        )
    if from_url and (name.startswith(".") or not name.isprintable() or _too_long(name)):
        raise RegistryError(
            f"{where}: the url must end with a file name that is printable, not hidden and of"
            f" {LONGEST_NAME} bytes at most, found {name[: LONGEST_NAME + 1]!r}. Give `path` and"
            " put the file there."
        )


def _too_long(name: str) -> bool:
    return len(name.encode()) > LONGEST_NAME


def _check_keys(where: str, block: dict[str, Any]) -> None:
    for key, value in block.items():
        if key not in _KEYS:
            raise RegistryError(
                f"{where}: the key `{key}` is unknown. Remove it or use one of: {', '.join(_KEYS)}."
            )
        kind, called = _KEYS[key]
        if type(value) is not kind:  # not isinstance: True is no whole number
            raise RegistryError(f"{where}: `{key}` must be {called}, found {value!r}. Correct it.")
    if block.get("format") not in FORMATS:
        raise RegistryError(
            f"{where}: `format` must be one of {', '.join(FORMATS)}, found"
            f" {block.get('format')!r}. Set it."
        )
    if block.get("expected_reviews", 1) < 1:
        raise RegistryError(
            f"{where}: `expected_reviews` must be 1 or more, found {block['expected_reviews']}."
            " Correct it, or remove it if the number is not known."
        )
    if not re.fullmatch(r"[0-9a-f]{64}", block.get("sha256", "0" * 64)):
        raise RegistryError(
            f"{where}: `sha256` must be 64 hexadecimal digits in lower case, found"
            f" {block['sha256']!r}. `sha256sum FILE` prints them."
        )


def _check_source(where: str, block: dict[str, Any]) -> None:
    if not block.get("url") and not block.get("path"):
        raise RegistryError(f"{where}: a block needs `url` or `path`, found neither. Add one.")
    if "url" in block and urlsplit(block["url"]).scheme not in ("http", "https"):
        raise RegistryError(
            f"{where}: `url` must start with http:// or https://, found {block['url']!r}. For a"
            " file on this machine use `path`."
        )


def _check_columns(where: str, block: dict[str, Any]) -> None:
    columns = block.get("columns")
    if block["format"] != "ratings-csv":
        if columns is not None:
            raise RegistryError(
                f"{where}: `columns` belongs to the format ratings-csv, found it with"
                f" {block['format']}. Remove it or change `format`."
            )
        return
    if columns is None or sorted(map(str, columns)) != sorted(CSV_COLUMNS):
        raise RegistryError(
            f"{where}: ratings-csv needs `columns`, the order of {', '.join(CSV_COLUMNS)}, found"
            f' {columns!r}. Set columns = ["user", "item", "rating", "timestamp"] or another order.'
        )
