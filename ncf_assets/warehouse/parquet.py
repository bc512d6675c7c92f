"""One table's partition as a Parquet file: written in a stream, hashed on the way, stamped.

Where the file goes is decided in `ncf_assets.warehouse`.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ncf_assets.tables import Table
from ncf_assets.warehouse.files import replace
from ncf_assets.warehouse.stamp import Stamp

STAMP_KEY = "ncf_assets"
REMEDY = "remove it and materialize the table again"
ROW_GROUP = 1_000_000  # rows; large enough to compress well, small enough to hold a few in memory


class DamagedError(ValueError):
    """A file of the warehouse cannot be read; the message names it and the remedy."""


@contextlib.contextmanager
def undamaged(file: Path, remedy: str) -> Iterator[None]:
    """Raise DamagedError for whatever reading a damaged file raises; one that is missing is not."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(
            f"{file} is damaged or was not written by NCF Assets; {remedy}"
        ) from error


class ContentHash:
    """Hash of a table's values in row order, whatever the batches, encoding or compression."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [hashlib.blake2b(digest_size=16) for _ in schema]
        self._lengths = [hashlib.blake2b(digest_size=16) for _ in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the next rows."""
        for i, column in enumerate(batch.columns):
            if pa.types.is_string(column.type):
                self._lengths[i].update(pc.binary_length(column).fill_null(-1).to_numpy())
                self._columns[i].update(_text(column))
            else:
                self._lengths[i].update(column.is_valid().to_numpy(zero_copy_only=False))
                values = column.fill_null(0).to_numpy(zero_copy_only=False)
                self._columns[i].update(np.ascontiguousarray(values).data)

    def hexdigest(self) -> str:
        """Sixteen hexadecimal digits over names, types and values."""
        total = hashlib.blake2b(digest_size=8)
        for field, column, lengths in zip(self._schema, self._columns, self._lengths, strict=True):
            total.update(f"{field.name} {field.type} ".encode())
            total.update(column.digest() + lengths.digest())
        return total.hexdigest()


def _text(column: pa.Array) -> memoryview:
    """The UTF-8 bytes of a string column, one value after the other, without a copy."""
    _, offsets, data = column.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return memoryview(data)[ends[0] : ends[-1]]


class Draft:
    """A partition on its way: `write` rows, `finish` the file, look at it, `publish` it."""

    def __init__(self, table: Table, target: Path, temporary: Path) -> None:
        self.table = table
        self.target = target
        self.path = temporary
        self.rows = 0
        self._hash = ContentHash(table.schema)
        self._file = temporary.open("wb")
        self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd")

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Append rows. Raises ValueError where they do not fit the table's header."""
        for batch in batches:
            fitted = self._fitted(batch)
            for part in fitted.to_batches():
                self._hash.update(part)
            self.rows += fitted.num_rows
            self._writer.write_table(fitted, row_group_size=ROW_GROUP)

    def finish(self, **origin: Any) -> Stamp:
        """Close the file with its stamp: what the caller knows, and content and rows."""
        stamp = Stamp(content=self._hash.hexdigest(), rows=self.rows, **origin)
        self._writer.add_key_value_metadata({STAMP_KEY: json.dumps(stamp.to_json())})
        self._writer.close()
        self._file.close()
        return stamp

    def publish(self) -> None:
        """Put the finished file in the place of the old one."""
        replace(self.path, self.target)

    def close(self) -> None:
        """Let go of the file, finished or not, so that its space is free once it is removed."""
        self._writer.is_open = False  # else it writes a footer, which a full disk refuses
        with contextlib.suppress(OSError):  # a rest that a full disk refuses, of a file given up
            self._file.close()

    def _fitted(self, batch: pa.RecordBatch) -> pa.Table:
        """The batch with the header's columns, in its order and types."""
        schema = self.table.schema
        if set(batch.schema.names) != set(schema.names):
            raise ValueError(
                f"tables/{self.table.name}.sql documents the columns {', '.join(schema.names)};"
                f" the rows have {', '.join(batch.schema.names)}; make header and rows agree"
            )
        for field in schema:
            if not field.nullable and (nulls := batch.column(field.name).null_count):
                raise ValueError(
                    f"{self.table.name}.{field.name} is never null, found {nulls} nulls;"
                    f" mark it `null` in tables/{self.table.name}.sql or mend the rows"
                )
        return pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def has_columns_of(table: Table, file: Path) -> bool:
    """Whether a file has the columns of the table's header. Raises DamagedError if none are read.

    One of another version may not; whether a column may be null makes no difference.
    """
    with undamaged(file, REMEDY):
        found = pq.read_schema(file)
    return bool(found.names == table.schema.names and found.types == table.schema.types)


def read_stamp(file: Path) -> Stamp:
    """The stamp in a Parquet file's footer. Raises DamagedError for a file without one."""
    with undamaged(file, REMEDY):
        return Stamp.from_json(json.loads(pq.read_metadata(file).metadata[STAMP_KEY.encode()]))


def verify(file: Path) -> None:
    """Read a table's file to its end. Raises DamagedError unless its rows are as when written."""
    stamp = read_stamp(file)
    with undamaged(file, REMEDY), pq.ParquetFile(file) as parquet:
        found = ContentHash(parquet.schema_arrow)
        for batch in parquet.iter_batches():
            found.update(batch)
    if found.hexdigest() != stamp.content:
        raise DamagedError(
            f"{file} is damaged: its rows are not those that it was written with; {REMEDY}"
        )
