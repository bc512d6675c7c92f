"""Read a table with DuckDB: separated text, JSON lines, Parquet, or a query over such files.

This module gives rows their numbers, and yields them in batches. What the rows are in SQL is in
`ncf_assets.ingest.table_source`, and which are rejected in `ncf_assets.ingest.row_rules`. Amazon's
reviews, of which Python looks at each line, are read in `ncf_assets.ingest.reader`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.reader import ACCEPTED, LONGEST_LINE, REJECTED, TEXT_KEPT, Batch
from ncf_assets.ingest.row_rules import judged
from ncf_assets.ingest.table_source import Source, duckdb_refusals, query_source, source_of

BATCH_ROWS = 200_000  # rows in memory at a time; chosen

# what DuckDB calls the faults of a row of text, and the reasons that replace them
_FAULTS = {
    "MISSING COLUMNS": "fewer fields than columns",
    "TOO MANY COLUMNS": "more fields than columns",
    "LINE SIZE OVER MAXIMUM": f"longer than {LONGEST_LINE >> 20} MiB",
    "INVALID ENCODING": "not UTF-8",
}


def read_file(
    connection: duckdb.DuckDBPyConnection, file: Path, dataset: Dataset, today: date
) -> Iterator[Batch]:
    """Yield every row of a file exactly once, accepted or rejected, in order and numbered from 1.

    While iterating, raise `SourceError` if the file cannot be read. The caller must then discard
    what was yielded before.
    """
    with _refusals(str(file), dataset):
        yield from _batches(connection, source_of(file, dataset), dataset, today)


def read_query(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], dataset: Dataset, today: date
) -> Iterator[Batch]:
    """Yield every row of the dataset's query over files; the rows are sorted, then numbered."""
    with _refusals(f"the query of [{dataset.name}]", dataset):
        yield from _batches(connection, query_source(connection, files, dataset), dataset, today)


def check_columns(files: Sequence[Path], dataset: Dataset) -> None:
    """Raise `SourceError` if the first file, or the query, has not the columns; no row is read."""
    what = f"the query of [{dataset.name}]" if dataset.query else str(files[0])
    with duckdb.connect() as connection, _refusals(what, dataset):
        source = (
            query_source(connection, files, dataset)
            if dataset.query
            else source_of(files[0], dataset)
        )
        _types(connection, source)


def _batches(
    connection: duckdb.DuckDBPyConnection, source: Source, dataset: Dataset, today: date
) -> Iterator[Batch]:
    connection.execute("set TimeZone = 'UTC'")
    faults = _faults(connection, source)
    select = judged(source, _types(connection, source), dataset, today)
    lines = _Lines(faults["line"].to_numpy())
    with connection.sql(select).to_arrow_reader(BATCH_ROWS) as reader:
        for rows in reader:
            first, numbers = lines.next, lines.take(rows.num_rows)
            broken = faults.filter(
                pc.and_(
                    pc.greater_equal(faults["line"], first), pc.less(faults["line"], lines.next)
                )
            )
            yield _batch(rows, numbers, broken)
    rest = faults.filter(pc.greater_equal(faults["line"], lines.next))
    if rest.num_rows:
        yield Batch(_one_batch(ACCEPTED.empty_table(), ACCEPTED), _one_batch(rest, REJECTED))


class _Lines:
    """The numbers of the rows that have their columns: those of the others are left out."""

    def __init__(self, others: np.ndarray) -> None:
        self._before = others - np.arange(len(others))  # others [k] come before this row, from 1
        self._rows = 0
        self.next = 1  # no row of a number below this is still to come

    def take(self, n: int) -> pa.Array:
        """Return the numbers of the next `n` rows."""
        rows = np.arange(self._rows + 1, self._rows + n + 1)
        numbers = rows + np.searchsorted(self._before, rows, side="right")
        self._rows += n
        self.next = int(numbers[-1]) + 1
        return pa.array(numbers)


def _batch(rows: pa.RecordBatch, numbers: pa.Array, faults: pa.Table) -> Batch:
    """Return rows as a batch, with the faulty ones that are between them."""
    numbered = pa.record_batch([numbers, *rows.columns], ["line", *rows.schema.names])
    if rows["reason"].null_count == rows.num_rows and not faults.num_rows:  # spares two copies
        return Batch(numbered.select(ACCEPTED.names).cast(ACCEPTED), _one_batch(faults, REJECTED))
    accepted = pc.is_null(numbered["reason"])
    rejected = numbered.filter(pc.invert(accepted)).select(REJECTED.names)
    both = pa.concat_tables([pa.Table.from_batches([rejected]), faults]).sort_by("line")
    return Batch(
        numbered.filter(accepted).select(ACCEPTED.names).cast(ACCEPTED), _one_batch(both, REJECTED)
    )


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    batches = table.cast(schema).combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=schema)


def _faults(connection: duckdb.DuckDBPyConnection, source: Source) -> pa.Table:
    """Return the rows of text that do not have their columns, with their numbers, as REJECTED.

    DuckDB leaves them out where it reads the others, and says which they are afterwards. So the
    file is read twice, the first time only to find them.
    """
    if source.lines_before is None:
        return REJECTED.empty_table()
    for table in ("reject_errors", "reject_scans"):
        connection.execute(f"drop table if exists {table}")
    [(rows,)] = connection.sql(f"select count(*) from {source.relation}").fetchall()
    _refuse_open_quotes(connection, source)
    reasons = " ".join(f"when '{kind}' then '{reason}'" for kind, reason in _FAULTS.items())
    found = connection.sql(f"""
        with faults as (
          select
            line,
            any_value(case error_type {reasons} else lower(error_type) end) as reason,
            any_value(left(trim(csv_line, chr(10)), {TEXT_KEPT})) as text,
            row_number() over (order by line) as nth
          from reject_errors
          group by line
        )
        -- no number is beyond the last row, however DuckDB counts lines
        select
          least(line - {source.lines_before}, {rows} + nth) as line,
          reason,
          coalesce(text, '') as text
        from faults
        order by line
    """).to_arrow_table()
    return found.cast(REJECTED)


def _refuse_open_quotes(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Refuse text with a quote that is not closed, as all that follows it would be one row."""
    first = connection.sql(
        f"select min(line) - {source.lines_before} from reject_errors"
        " where error_type = 'UNQUOTED VALUE'"
    ).fetchall()[0][0]
    if first is not None:
        raise SourceError(
            f"a quote in row {first:,} is not closed, and takes all that follows it. Correct the"
            ' file, or set quote = "" in datasets.toml where quotes are parts of values'
        )


def _types(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """Return DuckDB's type of each value, by role."""
    values = ", ".join(f"{value} as {role}_value" for role, value in source.values.items())
    found = connection.sql(f"describe select {values} from {source.relation}").fetchall()
    return {str(name).removesuffix("_value"): str(kind) for name, kind, *_ in found}


@contextmanager
def _refusals(what: str, dataset: Dataset) -> Iterator[None]:
    """Raise `SourceError`, beginning with what is refused, in place of DuckDB's errors."""
    remedy = f"Correct the file, or `columns`, `separator` or `query` of {dataset.block}"
    try:
        with duckdb_refusals(what, remedy):
            yield
    except SourceError as error:
        raise error if str(error).startswith(what) else SourceError(f"{what}: {error}") from None
