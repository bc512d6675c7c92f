"""Selects on Apache Spark, for tables that one machine's DuckDB does not carry.

Spark reads the warehouse's Parquet files and leaves the rows, in order, in Parquet files of its
own, from which they are stamped and published as DuckDB's are. So driver and workers must see the
data folder under the same path. What Spark may use is said where Spark looks for it, in the
`spark-defaults.conf` of SPARK_CONF_DIR; the dialect is `ncf_assets.warehouse.spark_sql`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.warehouse.files import glob_escaped
from ncf_assets.warehouse.spark_sql import translate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
        files: Mapping[str, Path],
        scratch: Path,
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a select over `files`, by table, in its order; `scratch` is a new folder."""
        session = self._session.newSession()  # so that views of two queries do not meet
        for table, file in files.items():
            session.read.parquet(glob_escaped(file)).createOrReplaceTempView(table)
        result = session.sql(translate(select), args=dict(parameters))
        result.write.parquet(f"file://{scratch}", mode="overwrite", compression="zstd")
        parts = sorted(scratch.glob("part-*.parquet"))  # numbered in the order of the select
        if not parts:  # Spark writes a file even of no rows
            raise SparkError(
                f"driver and workers must see the data folder under the same path, found no file of"
                f" the workers in {scratch}; share the folder, or use the engine duckdb"
            )
        for part in parts:
            with pq.ParquetFile(part) as file:
                yield from file.iter_batches(READ_ROWS)

    def close(self) -> None:
        """Give the cluster's cores back."""
        if session := self.__dict__.pop("_session", None):
            session.stop()

    @cached_property
    def _session(self) -> SparkSession:
        try:
            from pyspark.errors import PySparkRuntimeError
            from pyspark.sql import SparkSession
        except ModuleNotFoundError as error:
            raise SparkError(
                "the engine spark wants the package pyspark, which is not installed; run"
                " `pip install 'ncf-assets[spark]'`, or use the engine duckdb"
            ) from error
        try:
            builder = SparkSession.builder.master(self.master).appName("ncf-assets")
            return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
        except PySparkRuntimeError as error:
            raise SparkError(
                f"the engine spark could not start at {self.master} ({error}); install Java 17"
                " (JAVA_HOME) and see that the master runs, or use the engine duckdb"
            ) from error
