"""Read a dataset's source: one file, or several files that are read as one.

This module says which files a source has, what distinguishes them from other files, and how lines
are numbered through all of them, whether one process reads all files or one task reads each. One
file is read in `ncf_assets.ingest.reader` or `ncf_assets.ingest.tables`; the tasks run in
`ncf_assets.warehouse.spark`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import compression, reader, tables
from ncf_assets.ingest.reader import ACCEPTED, REJECTED, Batch

# A row is a line of a file, and it is accepted if `reason` is null. Line 0 says why a file cannot
# be read.
ROWS = pa.unify_schemas([pa.schema([("part", pa.int32())]), ACCEPTED, REJECTED])

Signature = dict[str, int | str]


def files_of(source: Path) -> list[Path]:
    """Return a source's files in the order of their names; there may be none.

    A source is a file, a folder, or a pattern for names. In a folder, and with a pattern, names
    that begin with `.` or `_` are left out, as Spark leaves them out.
    """
    if source.is_file():
        return [source]
    folder, pattern = (source, "*") if source.is_dir() else (source.parent, source.name)
    found = (file for file in folder.glob(pattern) if not file.name.startswith((".", "_")))
    return sorted(file for file in found if file.is_file())


def signature(source: Path) -> Signature:
    """Return what shows, without reading the files, whether a source has changed."""
    files = files_of(source)
    listing = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    found: Signature = {
        "size": sum(size for _, size, _ in listing),
        "mtime_ns": max((mtime for _, _, mtime in listing), default=0),
    }
    if files != [source]:
        found["listing"] = hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    return found


def fingerprint(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, in hexadecimal; of several, that of their hashes in lines."""
    with ThreadPoolExecutor() as pool:  # hashlib releases the interpreter's lock
        hashes = list(pool.map(compression.fingerprint, files))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def read(
    files: Sequence[Path],
    dataset: Dataset,
    today: date,
    max_unpacked: int,
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[Batch]:
    """Yield the batches of each file; line numbers go on through all.

    Tables are read through the connection, and a query reads all files at once.
    """
    if dataset.query:
        for file in files:
            compression.check_unpacked(file, max_unpacked)
        yield from tables.read_query(connection, files, dataset, today)
        return
    before = 0
    for file in files:
        lines = 0
        for batch in _read_file(file, dataset, today, max_unpacked, connection):
            lines += batch.accepted.num_rows + batch.rejected.num_rows
            yield _renumbered(batch, before)
        before += lines


def rows(
    files: Sequence[Path], dataset: Dataset, today: date, max_unpacked: int, part: int
) -> Iterator[pa.RecordBatch]:
    """Yield the lines of one file as ROWS; this is the work of one task."""
    try:
        with duckdb.connect() as connection:
            for batch in _read_file(files[part], dataset, today, max_unpacked, connection):
                for kind in (batch.accepted, batch.rejected):
                    if kind.num_rows:
                        yield _as_rows(kind, part)
    except compression.SourceError as error:
        refusal = [[0], [str(error)], [""]]
        yield _as_rows(pa.record_batch(refusal, schema=REJECTED), part)


def batches(found: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
    """Yield what `read` yields, from the ROWS of all files in their order.

    No batch of `found` is empty, and none has rows of two files.
    """
    part, lines, before = 0, 0, 0
    for batch in found:
        if (at := batch["part"][0].as_py()) != part:
            part, lines, before = at, 0, before + lines
        lines += batch.num_rows
        accepted = pc.is_null(batch["reason"])
        rejected = batch.filter(pc.invert(accepted)).select(REJECTED.names)
        if (at := pc.index(rejected["line"], 0).as_py()) >= 0:
            raise compression.SourceError(rejected["reason"][at].as_py())
        yield _renumbered(Batch(batch.filter(accepted).select(ACCEPTED.names), rejected), before)


def _read_file(
    file: Path,
    dataset: Dataset,
    today: date,
    max_unpacked: int,
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[Batch]:
    """Yield the batches of one file, whose lines are numbered from 1."""
    if dataset.format == "table":
        compression.check_unpacked(file, max_unpacked)
        return tables.read_file(connection, file, dataset, today)
    return reader.read(file, dataset, today, max_unpacked=max_unpacked)


def _as_rows(batch: pa.RecordBatch, part: int) -> pa.RecordBatch:
    """Return a batch with the columns of ROWS; those that it does not have are null."""
    known = {"part": pa.repeat(pa.scalar(part, pa.int32()), batch.num_rows)}
    known |= dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [known.get(field.name, pa.nulls(batch.num_rows, field.type)) for field in ROWS]
    return pa.record_batch(columns, schema=ROWS)


def _renumbered(batch: Batch, before: int) -> Batch:
    """Return the batch with `before` added to its line numbers."""
    return Batch(
        *(
            pa.record_batch([pc.add(kind["line"], before), *kind.columns[1:]], kind.schema.names)
            for kind in (batch.accepted, batch.rejected)
        )
    )
