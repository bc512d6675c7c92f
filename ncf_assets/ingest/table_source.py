"""What the rows of a table are in SQL: where they come from, and which values they have.

This module knows files of every kind that DuckDB reads, and queries over them. Which values are
valid is in `ncf_assets.ingest.row_rules`; the rows are read in `ncf_assets.ingest.tables`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.file_kinds import header_of, is_gzipped, kind_of
from ncf_assets.ingest.lookalikes import separator_of
from ncf_assets.ingest.reader import LONGEST_LINE
from ncf_assets.ingest.sqlite_rows import sqlite_rows
from ncf_assets.sql_text import glob_escaped, literal, quoted

# a line of JSON is one field, as JSON has no such character
_AS_LINES = Dataset("", "", "table", separator="\x1f", quote="")


@contextmanager
def duckdb_refusals(what: str, remedy: str) -> Iterator[None]:
    """Raise `SourceError` in place of DuckDB's errors, but for those of memory and disk."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        message = " ".join(str(error).split("\n\n")[0].split())  # below are lines of its SQL
        if "No space left" in message:
            raise
        raise SourceError(f"{what} cannot be read by DuckDB ({message}). {remedy}") from error


@dataclass(frozen=True)
class Source:
    """The rows of one table: its values as SQL expressions by role (user, item, timestamp, rating).

    names: what the file calls each value
    text: the expression of what a rejected row shows
    rejections: a condition and the reason for which rows that fulfil it are rejected, each
    ordered: whether the rows have an order of their own, that of the file
    lines_before: lines before the first row, of text whose faulty rows DuckDB leaves out
    """

    relation: str
    values: Mapping[str, str]
    names: Mapping[str, str]
    text: str
    rejections: tuple[tuple[str, str], ...] = ()
    ordered: bool = True
    lines_before: int | None = None


def source_of(file: Path, dataset: Dataset) -> Source:
    """Return the rows of a file of text, JSON lines or Parquet."""
    kind = kind_of(file)
    if kind in ("duckdb", "sqlite"):
        raise SourceError(
            f"{file} is a database, and a query must say which of its rows are read. Set `query` of"
            f" {dataset.block}"
        )
    if dataset.order and kind != "text":
        raise SourceError(
            f"{file} has names for its values, found a list of `columns`. Set columns ="
            ' {user = "...", item = "...", timestamp = "..."} with these names in'
            f" {dataset.block}"
        )
    if kind == "text":
        return _text(file, dataset)
    return _json(file, dataset) if kind == "json" else _parquet(file, dataset)


def query_source(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], dataset: Dataset
) -> Source:
    """Return the rows of a dataset's query, which sees these files alone.

    It sees the tables of a database, or each file as a table that has its name up to the first dot.
    """
    query = str(dataset.query).rstrip().rstrip(";")
    kinds = {kind_of(file) for file in files}
    if "sqlite" in kinds:
        connection.register("sqlite_rows", sqlite_rows(files[0], query))
        query = "select * from sqlite_rows"
    elif "duckdb" in kinds:
        connection.execute(f"attach {literal(str(files[0]))} as source (read_only)")
        connection.execute("use source")
    else:
        for file in files:
            name = quoted(file.name.split(".")[0])
            connection.execute(f"create view {name} as select * from {relation_of(file, dataset)}")
    allowed = ", ".join(literal(path) for file in files for path in (str(file), glob_escaped(file)))
    connection.execute(f"set allowed_paths = [{allowed}]")
    connection.execute("set enable_external_access = false")
    return _named(f"({query})", dataset.columns, ordered=False)


def relation_of(file: Path, dataset: Dataset) -> str:
    """Return a file's rows as they are, for a query over them."""
    kind = kind_of(file)
    if kind == "parquet":
        return _read("read_parquet", file)
    if kind == "json":
        return _read("read_json", file, format="'newline_delimited'")
    return _read_csv(file, _header(file, dataset), dataset, header=True)


def _parquet(file: Path, dataset: Dataset) -> Source:
    return _named(_read("read_parquet", file), dataset.columns)


def _text(file: Path, dataset: Dataset) -> Source:
    """Return the rows of separated text, all of whose values are texts."""
    header = dataset.order is None
    names = _header(file, dataset) if dataset.order is None else _distinct(dataset.order)
    relation = _read_csv(file, names, dataset, header=header, rejects=True)
    missing = [name for name in dataset.columns.values() if name not in names]
    if missing:
        raise SourceError(_no_column(str(file), missing[0], names, dataset))
    return _named(relation, dataset.columns, lines_before=int(header))


def _json(file: Path, dataset: Dataset) -> Source:
    """Return the rows of JSON lines; a key that begins with / is a path to a nested one."""
    lines = _read_csv(file, ["line"], _AS_LINES, header=False, rejects=True)
    paths = {
        role: key if key.startswith("/") else f"$.{quoted(key)}"
        for role, key in dataset.columns.items()
    }
    return Source(
        f"(select line, case when json_valid(line) then line end as json from {lines})",
        {role: f"json_extract_string(json, {literal(path)})" for role, path in paths.items()},
        dataset.columns,
        "line",
        (("line is null or trim(line) = ''", "blank line"), ("json is null", "not JSON")),
        lines_before=0,
    )


def _named(
    relation: str,
    named: Mapping[str, str],
    ordered: bool = True,
    lines_before: int | None = None,
) -> Source:
    values = {role: quoted(name) for role, name in named.items()}
    fields = ", ".join(f"{literal(named[role])}: {role}_value" for role in named)
    return Source(relation, values, named, f"to_json({{{fields}}})", (), ordered, lines_before)


def _header(file: Path, dataset: Dataset) -> list[str]:
    return _distinct(header_of(file, dataset.separator, dataset.quote))


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, those that come again with their place."""
    return [
        name if name and name not in names[:place] else f"{name}:{place + 1}"
        for place, name in enumerate(names)
    ]


def _read_csv(
    file: Path,
    names: Sequence[str],
    dataset: Dataset,
    *,
    header: bool,
    rejects: bool = False,
) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = {
        "columns": f"{{{columns}}}",
        "delim": literal(dataset.separator),
        "header": str(header).lower(),
        "quote": literal(dataset.quote),
        "escape": literal(dataset.quote),
        "auto_detect": "false",
        "max_line_size": str(LONGEST_LINE),
        "compression": "'gzip'" if is_gzipped(file) else "'none'",
    }
    if rejects:
        options["store_rejects"] = "true"
    return _read("read_csv", file, **options)


def _read(function: str, file: Path, **options: str) -> str:
    arguments = ", ".join(
        [literal(glob_escaped(file)), *(f"{name} = {value}" for name, value in options.items())]
    )
    return f"{function}({arguments})"


def _no_column(where: str, name: str, found: Sequence[str], dataset: Dataset) -> str:
    separator = separator_of(found) if len(found) == 1 else None
    remedy = "Correct `columns` or `separator`"
    if separator:
        remedy = f"Set separator = {json.dumps(separator)}"
    shown = json.dumps(found[0]) if separator else ", ".join(found)
    return f"{where} must have the column `{name}`, found {shown}. {remedy} of {dataset.block}"
