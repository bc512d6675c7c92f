"""Write one table's partition as a Parquet file: stream rows, hash them, and add the provenance.

This module also reads and verifies such files. Their paths are in `ncf_assets.warehouse.paths`.
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

from ncf_assets.hashing import new_hash
from ncf_assets.tables import Table
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.published import Published

PROVENANCE_KEY = "ncf_assets"
REMEDY = "Remove it and materialize the table again"
ROW_GROUP = 1_000_000  # rows; large enough to compress well, small enough to hold a few in memory
# bytes of distinct values above which a column has no dictionary: that of ids would be as large as
# the ids, and take half of the time of writing; chosen
DICTIONARY = 64 << 10


class DamagedError(ValueError):
    """A file of the warehouse cannot be read. The message names it and the remedy.

    The message has no full stop at its end, as it may be one of several reasons that are joined.
    """


@contextlib.contextmanager
def undamaged(file: Path, remedy: str) -> Iterator[None]:
    """Raise DamagedError in place of the errors of reading a damaged file, if it is not missing."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(
            f"{file} is damaged or was not written by NCF Assets. {remedy}"
        ) from error


class ContentHash:
    """A hash of a table's values in row order, independent of batches, encoding and compression."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [hashlib.blake2b(digest_size=16) for _ in schema]
        self._lengths = [hashlib.blake2b(digest_size=16) for _ in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the next rows to the hash."""
        for i, column in enumerate(batch.columns):
            if pa.types.is_string(column.type):
                self._lengths[i].update(pc.binary_length(column).fill_null(-1).to_numpy())
                self._columns[i].update(_text(column))
            else:
                self._lengths[i].update(column.is_valid().to_numpy(zero_copy_only=False))
                if pa.types.is_timestamp(column.type):
                    column = column.cast(pa.int64())
                values = column.fill_null(0).to_numpy(zero_copy_only=False)
                self._columns[i].update(np.ascontiguousarray(values).data)

    def hexdigest(self) -> str:
        """Return the hash of names, types and values, in sixteen hexadecimal digits."""
        total = new_hash()
        for field, column, lengths in zip(self._schema, self._columns, self._lengths, strict=True):
            total.update(f"{field.name} {field.type} ".encode())
            total.update(column.digest() + lengths.digest())
        return total.hexdigest()


def _text(column: pa.Array) -> memoryview:
    """Return the UTF-8 bytes of a string column, one value after the other.

    They are copied only if there are nulls, as Arrow may have any bytes in the place of a null.
    """
    _, offsets, data = column.fill_null("").buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return memoryview(data)[ends[0] : ends[-1]]


class StagedTable:
    """A partition that is being written: `write` rows, `seal` the file, check it, `publish` it."""

    def __init__(self, table: Table, target: Path, temporary: Path, published: Published) -> None:
        self.table = table
        self.target = target
        self._published = published
        self._seen = published.seen(target)
        self.path = temporary
        self.rows = 0
        self._hash = ContentHash(table.schema)
        self._file = temporary.open("wb")
        self._writer = pq.ParquetWriter(
            self._file, table.schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY
        )

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Append rows. Raise ValueError if they do not fit the table's header."""
        for batch in batches:
            fitted = self._fitted(batch)
            for part in fitted.to_batches():
                self._hash.update(part)
            self.rows += fitted.num_rows
            self._writer.write_table(fitted, row_group_size=ROW_GROUP)

    def seal(self, **known: Any) -> Provenance:
        """Close the file with its provenance: what the caller knows, the content hash and rows."""
        provenance = Provenance(content_hash=self._hash.hexdigest(), rows=self.rows, **known)
        self._writer.add_key_value_metadata({PROVENANCE_KEY: json.dumps(provenance.to_json())})
        self._writer.close()
        self._file.close()
        return provenance

    def check_current(self) -> None:
        """Raise ReplacedError if another run has published the table since this one began."""
        self._published.check(self.target, self._seen)

    def publish(self) -> None:
        """Replace the previous file by this one, or raise ReplacedError."""
        self._published.replace(self.path, self.target, self._seen)

    def close(self) -> None:
        """Close the file, sealed or not, so that its space is free once it is removed."""
        self._writer.is_open = False  # otherwise it writes a footer, which a full disk refuses
        with contextlib.suppress(OSError):  # a full disk refuses the rest, which nobody needs
            self._file.close()

    def _fitted(self, batch: pa.RecordBatch) -> pa.Table:
        """Return the batch with the columns of the header, in its order and with its types."""
        schema = self.table.schema
        if set(batch.schema.names) != set(schema.names):
            raise ValueError(
                f"tables/{self.table.name}.sql documents the columns {', '.join(schema.names)}, but"
                f" the rows have {', '.join(batch.schema.names)}. Make header and rows agree."
            )
        for field in schema:
            if not field.nullable and (nulls := batch.column(field.name).null_count):
                raise ValueError(
                    f"{self.table.name}.{field.name} is never null, found {nulls} nulls."
                    f" Mark it `null` in tables/{self.table.name}.sql or fix the rows."
                )
        return pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def schema_matches(table: Table, file: Path) -> bool:
    """Return whether a file has the columns of the table's header. Raise DamagedError if damaged.

    A file of another version may have other columns. Whether a column may be null is not compared.
    """
    with undamaged(file, REMEDY):
        found = pq.read_schema(file)
    return bool(found.names == table.schema.names and found.types == table.schema.types)


def read_provenance(file: Path) -> Provenance:
    """Return the provenance in a Parquet file's footer. Raise DamagedError if there is none."""
    with undamaged(file, REMEDY):
        return Provenance.from_json(
            json.loads(pq.read_metadata(file).metadata[PROVENANCE_KEY.encode()])
        )


def verify(file: Path) -> None:
    """Read a table's file to its end. Raise DamagedError unless its rows have the content hash."""
    provenance = read_provenance(file)
    with undamaged(file, REMEDY), pq.ParquetFile(file) as parquet:
        found = ContentHash(parquet.schema_arrow)
        for batch in parquet.iter_batches():
            found.update(batch)
    if found.hexdigest() != provenance.content_hash:
        raise DamagedError(
            f"{file} is damaged: its rows are not those that it was written with. {REMEDY}"
        )
