"""Propose a registry's block for a file, from its first lines, for a person to check.

Nothing here decides how a file is read: what is proposed is written down, and the block counts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc

from ncf_assets.datasets import ROLES, TIMESTAMP_UNITS, Dataset
from ncf_assets.ingest import reader, source
from ncf_assets.ingest.compression import UNPACKED_LIMIT, SourceError
from ncf_assets.ingest.file_kinds import fields_of, kind_of
from ncf_assets.ingest.formats import suggest_format
from ncf_assets.ingest.lookalikes import is_no_time, separator_of
from ncf_assets.ingest.table_source import query_source

LINES = 50  # first lines that are looked at; chosen
BATCHES = 1  # of rows that are read to show what the proposal gives; chosen
# what columns are called, without case and marks: of published data sets
_NAMES = {
    "user": "user userid customer customerid reviewer reviewerid member memberid uid u",
    "item": "item itemid movie movieid product productid parentasin asin sku artist artistid track"
    " trackid song songid book bookid business businessid article articleid i",
    "rating": "rating ratings overall stars score plays playcount count weight r",
    "timestamp": "timestamp time date datetime ts at createdat playedat boughtat unixreviewtime t",
}


@dataclass(frozen=True)
class Proposal:
    """A block's keys, and what reading the first rows with them gives."""

    keys: Mapping[str, Any]
    found: Sequence[str] = field(default_factory=tuple)

    def block(self, name: str) -> str:
        """Return the block as TOML."""
        return "\n".join([f"[{name}]", *(f"{key} = {_toml(v)}" for key, v in self.keys.items())])


def propose(
    path: Path, columns: Mapping[str, str], today: date, query: str | None = None
) -> Proposal:
    """Propose a block for a file, or for a folder of files, whose rows a query may choose.

    `columns` names those that a person knows. Raise `SourceError` if the file cannot be read, if it
    is not clear what its columns are, or if no row is accepted with what is proposed.
    """
    files = source.files_of(path)
    if not files:
        raise SourceError(f"{path} has no file. Name a file, or a folder with files")
    lines = _first_lines(files[0])
    if not columns and not query and (known := suggest_format(lines)):
        keys: dict[str, Any] = {"format": known, "path": str(path.absolute())}
    else:
        keys = {"format": "table", "path": str(path.absolute())}
        keys |= _query(files, lines, query, columns) if query else _table(files[0], lines, columns)
        if unit := _unit(files, keys, today):
            keys["timestamp_unit"] = unit
    return Proposal(keys, _found(files, _dataset(keys), today))


def _first_lines(file: Path) -> list[str]:
    """Return the first lines that are not blank, each complete."""
    for found, _ in reader.lines(file, UNPACKED_LIMIT):
        if not isinstance(found, reader.OversizedLine):
            decoded = (line.decode(errors="replace").removesuffix("\r") for line in found)
            if lines := [line for line in decoded if line.strip()]:
                return lines[:LINES]
    return []


def _query(
    files: Sequence[Path], lines: Sequence[str], query: str, columns: Mapping[str, str]
) -> dict[str, Any]:
    """Return the keys of a query over files but its unit; `lines` are the first of the first."""
    keys, visible = {"query": query}, "Correct it"
    if (kind := kind_of(files[0])) not in ("sqlite", "duckdb"):
        visible = f"It sees {', '.join(file.name.split('.')[0] for file in files)}. Correct it"
    if kind == "text" and (separator := separator_of(lines[:2])) and separator != ",":
        keys["separator"] = separator
    asked = _dataset({"format": "table", **keys})
    with duckdb.connect() as connection:
        try:
            relation = query_source(connection, files, asked).relation
            described = connection.sql(f"describe select * from {relation}").fetchall()
        except duckdb.Error as error:
            raise SourceError(
                f"the query cannot be run by DuckDB ({str(error).splitlines()[0]}). {visible}"
            ) from error
    names = [name for name, *_ in described]
    return {**keys, "columns": _mapped("the query", names, columns)}


def _table(file: Path, lines: Sequence[str], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of a table but its unit."""
    kind = kind_of(file)
    if kind == "text":
        return _text(file, lines, columns)
    if kind == "json":
        return {"columns": _mapped(str(file), _json_keys(file, lines), columns)}
    if kind == "parquet":
        with duckdb.connect() as connection:
            names = connection.read_parquet(str(file)).columns
        return {"columns": _mapped(str(file), names, columns)}
    raise SourceError(
        f"{file} is a database, and a query must say which of its rows are read. Give it with"
        " --query 'select ...'"
    )


def _json_keys(file: Path, lines: Sequence[str]) -> list[str]:
    try:
        return list(json.loads(lines[0]))
    except (IndexError, ValueError) as error:
        raise SourceError(
            f"{file} must have a JSON object in each line, found {_shown(lines)}. Write it so"
        ) from error


def _shown(lines: Sequence[str]) -> str:
    return repr(lines[0][:60]) if lines else "no line that can be read"


def _text(file: Path, lines: Sequence[str], columns: Mapping[str, str]) -> dict[str, Any]:
    separator = separator_of(lines[:2])
    if separator is None:
        raise SourceError(
            f"{file} must have 3 fields or more a line, as many in each, found {_shown(lines)}."
            " Write a block with its `separator` into datasets.toml"
        )
    keys: dict[str, Any] = {} if separator == "," else {"separator": separator}
    first = fields_of(lines[0], separator, '"')
    if columns or not any(re.fullmatch(r"[-+.\d]+", value) for value in first):
        return keys | {"columns": _mapped(str(file), first, columns)}
    order = list(ROLES) if len(first) > len(ROLES) - 1 else ["user", "item", "timestamp"]
    return keys | {"columns": [*order, *(f"column{n}" for n in range(5, len(first) + 1))]}


def _mapped(what: str, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return which column has which role: as a person says, or else by its name."""
    found = dict(columns)
    for role, words in _NAMES.items():
        known = words.split()
        plain = {re.sub(r"[^a-z]", "", name.lower().split(":")[0]): name for name in names}
        if role not in found and (called := next((w for w in known if w in plain), None)):
            found[role] = plain[called]
    if missing := [role for role in ROLES if role not in found and role != "rating"]:
        raise SourceError(
            f"{what} must have a column for each of user, item and timestamp, found"
            f" {', '.join(names)}. Say which is which with --{' and --'.join(missing)}"
        )
    return {role: found[role] for role in ROLES if role in found}


def _unit(files: Sequence[Path], keys: Mapping[str, Any], today: date) -> str | None:
    """Return the unit in which the first times are valid; None where they are no numbers."""
    for unit in (None, *TIMESTAMP_UNITS):
        try:
            accepted, _ = _read(files, _dataset({**keys, "timestamp_unit": unit}), today)
        except SourceError:
            continue
        if accepted:
            return unit
    return None


def _dataset(keys: Mapping[str, Any]) -> Dataset:
    columns, rest = keys.get("columns", {}), {k: v for k, v in keys.items() if k != "columns"}
    if isinstance(columns, list):
        rest["order"] = tuple(columns)
        columns = {role: role for role in columns if role in ROLES}
    return Dataset("proposal", "", columns=columns, registry="", **rest)


def _read(files: Sequence[Path], dataset: Dataset, today: date) -> tuple[int, list[Any]]:
    """Return how many of the first rows are accepted, and the batches."""
    with duckdb.connect() as connection:
        batches = source.read(files, dataset, today, UNPACKED_LIMIT, connection)
        first = list(islice(batches, BATCHES))
        batches.close()  # type: ignore[attr-defined]  # a generator
    return sum(batch.accepted.num_rows for batch in first), first


def _found(files: Sequence[Path], dataset: Dataset, today: date) -> list[str]:
    """Say what the first rows are with these settings."""
    accepted, batches = _read(files, dataset, today)
    if not batches:
        if dataset.query:
            raise SourceError(f"the query gives no row of {dataset.path}. Correct it")
        raise SourceError(f"{dataset.path} has no row below its header. Give a file that has some")
    rows, rejected = batches[0].accepted, batches[0].rejected
    if not accepted:
        reason = str(rejected["reason"][0])
        by_query = ", or read them by --query with strptime" if is_no_time(reason) else ""
        raise SourceError(
            f"none of the first {rejected.num_rows:,} rows of {dataset.path} is accepted; row"
            f" {rejected['line'][0]} is rejected: {reason}. Correct the file{by_query}, or say"
            " which columns are meant with --user, --item, --timestamp and --rating"
        )
    ratings, times = (pc.min_max(rows[name]).as_py() for name in ("rating", "timestamp"))
    found = [
        f"of the first {accepted + rejected.num_rows:,} rows {accepted:,} are accepted",
        f"{len(rows['user_id'].unique()):,} users, {len(rows['item_id'].unique()):,} items",
        f"ratings from {ratings['min']:g} to {ratings['max']:g}"
        if dataset.format != "table" or "rating" in dataset.columns
        else "no ratings: each row counts as 1",
        f"times from {times['min']} to {times['max']} (UTC)",
    ]
    if rejected.num_rows:
        found.append(f"row {rejected['line'][0]} is rejected: {rejected['reason'][0]}")
    if rejected.num_rows > reader.MAX_REJECTED_SHARE * (accepted + rejected.num_rows):
        found.append(
            f"a run stops where more than {reader.MAX_REJECTED_SHARE:.0%} are rejected: correct the"
            " file, or raise max_rejected_share of `reviews`"
        )
    return found


def _toml(value: Any) -> str:
    """Return a text, a list of texts or a mapping to texts in TOML, whose texts are JSON's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
