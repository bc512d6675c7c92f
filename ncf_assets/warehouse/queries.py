"""Queries over the Parquet files of one data folder, by DuckDB or by Spark."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ncf_assets.warehouse.files import glob_escaped, temporary_folder
from ncf_assets.warehouse.memory import MEMORY_LIMIT, spill_folder
from ncf_assets.warehouse.partitions import Partitions
from ncf_assets.warehouse.scratch import Scratch, scratch
from ncf_assets.warehouse.spark import Spark
from ncf_assets.warehouse.store import Store

QUERY_ROWS = 500_000  # rows of a query's result held in memory at a time


@dataclass(frozen=True)
class Queries(Partitions):
    """What is in place below a data folder, to query.

    DuckDB takes `memory_limit` (in its own words) and spills the rest to `spill_folder`, else tmp/.
    With `spark` the selects of the tables run there, on what is in `store` if there is one; checks
    and the catalogue stay DuckDB's.
    """

    store: Store | None = None
    memory_limit: str = MEMORY_LIMIT
    spark: Spark | None = None

    def rows(
        self,
        dataset: str,
        partitions: Mapping[str, Path],
        select: str,
        parameters: Mapping[str, Any],
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a select over the named Parquet files, from whichever engine is set."""
        if self.spark:
            with self.scratch(dataset) as place:
                files = {table: self._for_spark(file) for table, file in partitions.items()}
                yield from self.spark.rows(select, parameters, files, place)
            return
        with self.connect(dataset, partitions) as connection:
            reader = connection.sql(select, params=dict(parameters)).to_arrow_reader(QUERY_ROWS)
            with reader:  # what is not read to the end would keep DuckDB's spilled files
                yield from reader

    def scratch(self, dataset: str) -> contextlib.AbstractContextManager[Scratch]:
        """A place in which Spark's workers hand over their rows."""
        return scratch(self.root, dataset, self.store)

    def _for_spark(self, file: Path) -> str:
        """By which path or URL Spark reads a partition."""
        if self.store:
            return self.store.spark_url(file.relative_to(self.root).as_posix())
        return glob_escaped(file)

    @contextlib.contextmanager
    def connect(
        self, dataset: str, partitions: Mapping[str, Path]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A private in-memory DuckDB with a view for each named Parquet file of a dataset."""
        spill = (spill_folder(self.root) or self.root / "tmp") / f"dataset={dataset}" / "spill"
        with (
            temporary_folder(spill) as folder,
            duckdb.connect(config=self._resources(folder)) as connection,
        ):
            for table, file in partitions.items():
                # a file name cannot be a prepared parameter of `create view`
                path = glob_escaped(file).replace("'", "''")
                connection.execute(
                    f"create view {quoted(table)} as"
                    f" select * from read_parquet('{path}', hive_partitioning = false)"
                )
            yield connection

    def _resources(self, spill: Path) -> dict[str, Any]:
        """What DuckDB may use."""
        return {"memory_limit": self.memory_limit, "temp_directory": str(spill)}


def quoted(identifier: str) -> str:
    """An SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
