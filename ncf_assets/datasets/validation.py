"""Check the rules that a block of the registry must satisfy; each rule has its message.

The rules that concern several blocks, and the reading of the file, are in `ncf_assets.datasets`.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from ncf_assets.suggestion import suggestion

FORMATS = ("amazon-2014", "amazon-2018", "amazon-2023", "table")
LONGEST_NAME = 100  # characters; chosen: file systems take 255 bytes, and file names add some
ROLES = ("user", "item", "rating", "timestamp")  # of which a table may lack the rating
TIMESTAMP_UNITS = {  # microseconds in each
    "seconds": 1e6,
    "milliseconds": 1e3,
    "microseconds": 1.0,
    "nanoseconds": 1e-3,
}
LEAVE_ONE_OUT, TIME_SPLIT = SPLITS = ("leave_one_out", "time_split")
TARGETS = ("first", "last", "all")  # of a user's interactions from the cut on, which are tested
LONGEST_SEPARATOR = 4  # bytes; DuckDB takes no more

# the keys that a block may have, their TOML types, and the type's name in a message
_KEYS: dict[str, tuple[tuple[type, ...], str]] = {
    "format": ((str,), "text"),
    "title": ((str,), "text"),
    "url": ((str,), "text"),
    "path": ((str,), "text"),
    "columns": ((list, dict), "names in braces, or a list"),
    "separator": ((str,), "text"),
    "quote": ((str,), "text"),
    "timestamp_unit": ((str,), "text"),
    "query": ((str,), "text"),
    "details": ((str,), "text"),
    "split": ((str,), "text"),
    "cut": ((float, date), "a share such as 0.9, or a day such as 2014-01-01 without quotes"),
    "targets": ((str,), "text"),
    "expected_reviews": ((int,), "a whole number"),
    "sha256": ((str,), "text"),
    "synthetic": ((bool,), "true or false"),
    "note": ((str,), "text"),
}


_EXAMPLE = 'columns = {user = "userId", item = "movieId", timestamp = "time"}'
_ORDER = 'columns = ["user", "item", "rating", "timestamp"]'


class RegistryError(ValueError):
    """The registry breaks a rule. The message names the file, block, rule and remedy."""


def check_name(where: str, name: str) -> None:
    """Raise `RegistryError` for a block's name that is not a folder's name on every system.

    The message begins with `where`, as those of all checks here.
    """
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise RegistryError(f"{where}: a name has letters, digits and _ only. Choose another one.")
    if len(name) > LONGEST_NAME:
        raise RegistryError(
            f"{where}: a name has {LONGEST_NAME} characters at most, found {len(name)}. Shorten it."
        )


def check_block(where: str, block: dict[str, Any]) -> None:
    """Raise `RegistryError` for a block that breaks rules: a line for each of them.

    Keys that no rule knows, or of another type, come before the others.
    """
    rest = (_faults_of_source, _faults_of_split, _faults_of_table)
    for rules in ((_faults_of_keys,), rest):
        if faults := [f"{where}: {fault}" for rule in rules for fault in rule(block)]:
            raise RegistryError("\n".join(faults))


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


def _faults_of_keys(block: dict[str, Any]) -> Iterator[str]:
    for key, value in block.items():
        kinds, called = _KEYS.get(key, ((), ""))
        if not kinds:
            yield f"the key `{key}` is unknown. {suggestion(key, list(_KEYS))} Correct it."
        elif type(value) not in kinds:  # not isinstance: True is no whole number
            yield f"`{key}` must be {called}, found {value!r}. Correct it."
    if block.get("format") not in FORMATS:
        yield (
            f"`format` must be one of {', '.join(FORMATS)}, found {block.get('format')!r}. Set it."
        )


def _faults_of_source(block: dict[str, Any]) -> Iterator[str]:
    if not block.get("url") and not block.get("path"):
        yield "a block needs `url` or `path`, found neither. Add one."
    if "url" in block and urlsplit(block["url"]).scheme not in ("http", "https"):
        yield (
            f"`url` must start with http:// or https://, found {block['url']!r}. For a"
            " file on this machine use `path`."
        )
    if block.get("expected_reviews", 1) < 1:
        yield (
            f"`expected_reviews` must be 1 or more, found {block['expected_reviews']}."
            " Correct it, or remove it if the number is not known."
        )
    if not re.fullmatch(r"[0-9a-f]{64}", block.get("sha256", "0" * 64)):
        yield (
            "`sha256` must be 64 hexadecimal digits in lower case, found"
            f" {block['sha256']!r}. `sha256sum FILE` prints them."
        )


def _faults_of_split(block: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the keys that say what is held out."""
    for key, known in (("split", SPLITS), ("targets", TARGETS)):
        if block.get(key, known[0]) not in known:
            yield (f"`{key}` must be one of {', '.join(known)}, found {block[key]!r}. Correct it.")
    if block.get("split", LEAVE_ONE_OUT) == LEAVE_ONE_OUT:
        for key in ("cut", "targets"):
            if key in block:
                yield (
                    f"`{key}` belongs to the split {TIME_SPLIT}. Remove it, or set"
                    f' `split = "{TIME_SPLIT}"`.'
                )
    share = block.get("cut", 0.9)
    if isinstance(share, float) and not 0 < share < 1:
        yield f"a `cut` that is a share must lie between 0 and 1, found {share}. Correct it."


def _faults_of_table(block: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the keys that only tables have."""
    if block["format"] != "table":
        for key in ("columns", "separator", "quote", "timestamp_unit", "query"):
            if key in block:
                yield (
                    f"`{key}` belongs to the format table, found it with"
                    f" {block['format']}. Remove it or change `format`."
                )
        return
    yield from _faults_of_columns(block.get("columns"))
    if isinstance(block.get("columns"), list) and "query" in block:
        yield f"a query names its columns, found a list of columns. Set {_EXAMPLE}."
    if not 1 <= len(block.get("separator", ",").encode()) <= LONGEST_SEPARATOR:
        yield (
            f"`separator` must have 1 to {LONGEST_SEPARATOR} characters, found"
            f" {block['separator']!r}. Correct it."
        )
    if len(block.get("quote", "").encode()) > 1:
        yield f"`quote` must be one character or none, found {block['quote']!r}. Correct it."
    if block.get("timestamp_unit", "seconds") not in TIMESTAMP_UNITS:
        yield (
            f"`timestamp_unit` must be one of {', '.join(TIMESTAMP_UNITS)}, found"
            f" {block['timestamp_unit']!r}. Correct it, or remove it where the column has times."
        )


def _faults_of_columns(columns: Any) -> Iterator[str]:
    if not columns or not all(isinstance(name, str) and name for name in _names(columns)):
        yield (
            f"a table needs `columns`, found {columns!r}. Set {_EXAMPLE}, or without a"
            f" header line the order of its columns, as {_ORDER}."
        )
        return
    roles = list(columns)
    for role in ROLES:
        if roles.count(role) > 1 or (role not in roles and role != "rating"):
            yield (
                f"`columns` must have {role} once, found {roles.count(role)} in"
                f" {columns!r}. Only rating may be left out. Set {_EXAMPLE}, or {_ORDER}."
            )
    if isinstance(columns, dict) and (unknown := [role for role in roles if role not in ROLES]):
        yield f"`columns` names {', '.join(ROLES)}, found {unknown[0]}. Remove it."


def _names(columns: Any) -> list[Any]:
    return list(columns.values()) if isinstance(columns, dict) else list(columns)
