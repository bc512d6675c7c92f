"""Read the rows of a query over an SQLite file with Python's own SQLite.

DuckDB would have to download an extension for it. What becomes of the rows is decided in
`ncf_assets.ingest.table_source`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from ncf_assets.ingest.compression import SourceError

_ROWS = 50_000  # in memory at a time; chosen


def sqlite_rows(file: Path, query: str) -> pa.RecordBatchReader:
    """Return the rows of a select, in the file's own dialect; all values are texts."""
    # DuckDB asks for the rows from threads of its own, one at a time
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
    )
    try:
        cursor = connection.execute(query)
    except sqlite3.Error as error:
        connection.close()
        raise SourceError(
            f"{file}: SQLite cannot run the query ({error}). Correct `query`"
        ) from error
    schema = pa.schema([(name, pa.string()) for name, *_ in cursor.description or ()])

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(connection):
            while rows := cursor.fetchmany(_ROWS):
                columns = zip(*rows, strict=True)
                texts = [[None if v is None else str(v) for v in column] for column in columns]
                yield pa.record_batch(texts, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
