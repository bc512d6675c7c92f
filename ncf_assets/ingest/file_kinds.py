"""Tell what a file is by its first bytes; its name does not matter.

How each kind becomes rows is in `ncf_assets.ingest.table_source`.
"""

import csv
from pathlib import Path
from typing import Literal

from ncf_assets.ingest import compression

Kind = Literal["text", "json", "parquet", "duckdb", "sqlite"]

_PARQUET = b"PAR1"
_SQLITE = b"SQLite format 3\0"
_DUCKDB, _DUCKDB_OFFSET = b"DUCK", 8  # after a checksum


def kind_of(file: Path) -> Kind:
    """Return what a file has: separated text, JSON lines, a Parquet table, or a database."""
    head = beginning(file)
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_SQLITE):
        return "sqlite"
    if head[_DUCKDB_OFFSET:].startswith(_DUCKDB):
        return "duckdb"
    return "json" if head.lstrip().startswith(b"{") else "text"


def beginning(file: Path) -> bytes:
    """Return the first bytes of a file, unpacked; raise `SourceError` if it cannot be read."""
    return next(compression.blocks(file))


def is_gzipped(file: Path) -> bool:
    """Return whether a file is gzipped."""
    with compression.opened(file) as opened:
        return opened.peek(2).startswith(compression.GZIP)


def header_of(file: Path, separator: str, quote: str) -> list[str]:
    """Return the fields of the first line of separated text; `quote` may be empty."""
    line = beginning(file).split(b"\n", 1)[0].decode(errors="replace").removesuffix("\r")
    return fields_of(line, separator, quote)


def fields_of(line: str, separator: str, quote: str) -> list[str]:
    """Return the fields of a line of separated text; `quote` may be empty."""
    if len(separator) > 1 or not quote:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, quotechar=quote), [])
    except csv.Error:  # a field is longer than 128 KiB, or a carriage return is within the line
        return line.split(separator)
