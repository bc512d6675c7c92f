"""Selects on Apache Spark, for tables that one machine's DuckDB does not carry.

Spark reads the warehouse's Parquet files and leaves the rows, in order, in Parquet files of its
own, from which they are stamped and published as DuckDB's are. So driver and workers must see the
data folder under the same path, or share an object store. What Spark may use is said where Spark
looks for it, in the `spark-defaults.conf` of SPARK_CONF_DIR; the dialect is
`ncf_assets.warehouse.spark_sql`.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.warehouse.scratch import Scratch
from ncf_assets.warehouse.spark_sql import translate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

READ_ROWS = 100_000  # rows of a result held in memory at a time; ours
LOCAL = "local[*]"  # Spark within this process, on all cores


class SparkError(RuntimeError):
    """Spark is asked for and cannot be used; the message says what to do."""


class Spark:
    """A connection to a Spark cluster, made when the first select comes."""

    def __init__(self, master: str = LOCAL) -> None:
        self.master = master

    def rows(
        self,
        select: str,
        parameters: Mapping[str, Any],
        files: Mapping[str, str],
        scratch: Scratch,
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a select over `files`, paths or URLs by table, in its order."""
        session = self._session.newSession()  # so that views of two queries do not meet
        with _told():
            for table, file in files.items():
                session.read.parquet(file).createOrReplaceTempView(table)
            selected = session.sql(translate(select), args=dict(parameters))
        yield from _written(selected, scratch)

    def made(
        self,
        task: Callable[[int], Iterator[pa.RecordBatch]],
        tasks: int,
        schema: pa.Schema,
        scratch: Scratch,
    ) -> Iterator[pa.RecordBatch]:
        """What `task` makes of 0, 1, … below `tasks`, in this order, on the workers."""
        numbers = self._session.range(0, tasks, 1, tasks)  # one in each of Spark's partitions

        def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch["id"].to_pylist():
                    yield from task(number)

        from pyspark.sql.pandas.types import from_arrow_schema

        with warnings.catch_warnings():
            # of pandas 3, which plays no part where Arrow goes in and comes out
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
            made = numbers.mapInArrow(work, from_arrow_schema(schema))
        yield from _written(made, scratch)

    def close(self) -> None:
        """Give the cluster's cores back."""
        if session := self.__dict__.pop("_session", None):
            session.stop()

    @cached_property
    def _session(self) -> SparkSession:
        try:
            from py4j.protocol import Py4JJavaError
            from pyspark.errors import PySparkRuntimeError
            from pyspark.sql import SparkSession
        except ModuleNotFoundError as error:
            raise SparkError(
                "the engine spark wants the package pyspark, which is not installed; run"
                " `pip install -e '.[spark]'`, or use the engine duckdb"
            ) from error
        # else whichever python3 comes first on a worker
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            builder = SparkSession.builder.master(self.master).appName("ncf-assets")
            return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
        except PySparkRuntimeError as error:
            raise self._not_started(str(error)) from error
        except Py4JJavaError as error:
            raise self._not_started(str(error.java_exception.getMessage())) from error

    def _not_started(self, found: str) -> SparkError:
        return SparkError(
            f"the engine spark could not start at {self.master} ({found.splitlines()[0]}); install"
            " Java 17 (JAVA_HOME) and see that the master runs, or use the engine duckdb"
        )


def _written(result: DataFrame, scratch: Scratch) -> Iterator[pa.RecordBatch]:
    """The rows of a result in its order, by way of files in `scratch`."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    made = Observation()
    counted = result.observe(made, count(lit(1)).alias("rows"))
    with _told():
        counted.write.parquet(scratch.url, mode="overwrite", compression="zstd")
        rows = made.get["rows"]
    for part in whole(scratch.fetched(), rows):
        with pq.ParquetFile(part) as file:
            yield from file.iter_batches(READ_ROWS)


@contextmanager
def _told() -> Iterator[None]:
    """What fails on the cluster, as SparkError."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException, PythonException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        of_java = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else None
        lines = str(of_java or error).strip().splitlines()
        told = lines[-1 if isinstance(error, PythonException) else 0]  # after its traceback
        raise SparkError(
            f"the engine spark failed ({told}); see that driver and workers see the data folder"
            " under the same path, or share an object store (NCF_STORE), and what the workers' logs"
            " say; or use the engine duckdb"
        ) from error


def whole(folder: Path, rows: int) -> list[Path]:
    """Spark's files in their order. Raises SparkError unless they have so many rows."""
    parts = sorted(folder.glob("part-*.parquet"))
    found = sum(pq.read_metadata(part).num_rows for part in parts)
    if found != rows:
        raise SparkError(
            "driver and workers must see the data folder under the same path, found"
            f" {found:,} of the workers' {rows:,} rows in {folder}; share the folder, name an"
            " object store with NCF_STORE, or use the engine duckdb"
        )
    return parts
