"""Run selects on Apache Spark, for tables that are too large for DuckDB on one machine.

Spark reads the warehouse's Parquet files and writes the rows, in order, to Parquet files of its
own. These rows are then hashed and published like DuckDB's. So driver and workers must see the data
folder under the same path, or share an object store. What Spark may use is set in
`spark-defaults.conf` of SPARK_CONF_DIR, where Spark looks for it. The dialect is translated in
`ncf_assets.warehouse.spark_sql`.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.warehouse.scratch import Scratch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")
READ_ROWS = 100_000  # rows of a result that are in memory at a time; chosen
# what Java says if this machine's own name does not resolve, or its address is another's
_OWN_ADDRESS_TEXTS = ("UnknownHostException", "UnresolvedAddressException", "'sparkDriver'")
CONNECT_SECONDS = 10  # until a master must have answered; chosen
LOCAL = "local[*]"  # Spark in this process, on all cores


class SparkError(RuntimeError):
    """Spark is the engine and cannot be used. The message says what to do."""


def check_spark_home() -> None:
    """Raise SparkError if SPARK_HOME names another Spark than the one of the package pyspark.

    PySpark starts what SPARK_HOME names, and fails in Java's words if that is another version.
    """
    home = os.environ.get("SPARK_HOME")
    try:
        wanted = metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        return
    if not home:
        return
    names = [file.name for file in Path(home).glob("jars/spark-core_*.jar")]
    versions = {version for name in names for version in re.findall(r"_[\d.]+-(.+)\.jar$", name)}
    if versions != {wanted}:
        raise SparkError(
            f"SPARK_HOME must name Spark {wanted}, as the package pyspark is, found"
            f" {' and '.join(sorted(versions)) or 'no Spark'} in {home}. Unset SPARK_HOME, or"
            " install the pyspark of that version."
        )


def check_master(master: str) -> None:
    """Raise SparkError if nothing answers at any address of a standalone cluster's master.

    Spark tries for two minutes, and says then that it has stopped, but not why.
    """
    found = []
    for host, port in re.findall(r"([^/,]+):(\d+)", master.partition("spark://")[2]):
        try:
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS):
                return
        except OSError as error:
            found.append(f"{host}:{port}: {error.strerror or error}")
    if found:
        raise SparkError(
            f"no master of Spark answers at {master} ({', '.join(found)}). Start it, correct"
            " NCF_SPARK_MASTER or the run configuration, or use the engine duckdb."
        )


class Spark:
    """A connection to a Spark cluster, which is made for the first select."""

    def __init__(self, master: str = LOCAL) -> None:
        self.master = master

    def rows(
        self,
        select: str,
        parameters: Mapping[str, Any],
        files: Mapping[str, str],
        scratch: Scratch,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a select in its order; `files` are paths or URLs by table."""
        yield from _written(self._selected(select, parameters, files), scratch)

    def item_factors(
        self,
        select: str,
        parameters: Mapping[str, Any],
        files: Mapping[str, str],
        settings: Mapping[str, Any],
        scratch: Scratch,
        checkpoints: str,
    ) -> Iterator[pa.RecordBatch]:
        """Yield `id` and `features` of each item that MLlib's ALS fits to a select.

        The select gives user, item and weight. `settings` are parameters of ALS, and `checkpoints`
        is a URL to which workers write: without it the plan of some 30 iterations overflows Java's
        stack.
        """
        selected = self._selected(select, parameters, files)
        with _spark_errors():
            from pyspark.ml.recommendation import ALS

            self._session.sparkContext.setCheckpointDir(checkpoints)
            als = ALS(implicitPrefs=True, userCol="user", itemCol="item", ratingCol="weight")
            model = als.setParams(**settings).fit(selected)
        yield from _written(model.itemFactors, scratch)

    def _selected(
        self, select: str, parameters: Mapping[str, Any], files: Mapping[str, str]
    ) -> DataFrame:
        """Return the rows of a select, which are not computed yet."""
        session = self._session.newSession()  # so that views of two queries do not mix
        with _spark_errors():
            for table, file in files.items():
                session.read.parquet(file).createOrReplaceTempView(table)
            from ncf_assets.warehouse.spark_sql import translate

            return session.sql(translate(select), args=dict(parameters))

    def made(
        self,
        task: Callable[[int], Iterator[pa.RecordBatch]],
        tasks: int,
        schema: pa.Schema,
        scratch: Scratch,
    ) -> Iterator[pa.RecordBatch]:
        """Run `task` for 0, 1, … below `tasks` on the workers; yield its rows in this order."""
        numbers = self._session.range(0, tasks, 1, tasks)  # one number in each Spark partition

        def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch["id"].to_pylist():
                    yield from task(number)

        from pyspark.sql.pandas.types import from_arrow_schema

        with warnings.catch_warnings():
            # the warning is about pandas 3, which is not used between Arrow and Arrow
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
            made = numbers.mapInArrow(work, from_arrow_schema(schema))
        yield from _written(made, scratch)

    @contextmanager
    def shared(self, value: T) -> Iterator[Callable[[], T]]:
        """Send a value to the workers; yield what returns it in a task, unpickled once a worker."""
        session = self._session
        with _spark_errors():
            sent: Any = session.sparkContext.broadcast(_Pickled(value))
        try:
            yield lambda: sent.value
        finally:
            sent.destroy()

    def close(self) -> None:
        """End the connection, which frees the cluster's cores."""
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
                "the engine spark needs the package pyspark, which is not installed. Run"
                " `pip install 'ncf-assets[spark]'`, or use the engine duckdb."
            ) from error
        check_spark_home()
        check_master(self.master)
        # otherwise a worker would use the first python3 that it finds
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            builder = SparkSession.builder.master(self.master).appName("ncf-assets")
            return builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
        except PySparkRuntimeError as error:
            raise self._not_started(str(error)) from error
        except Py4JJavaError as error:
            raise self._not_started(error.java_exception.toString()) from error

    def _not_started(self, found: str) -> SparkError:
        return SparkError(
            f"the engine spark could not start at {self.master} ({found.splitlines()[0]})."
            f" {_remedy(found)}, or use the engine duckdb."
        )


def _remedy(found: str) -> str:
    """Say what lets Spark start, by what Java or PySpark told."""
    if "JAVA_GATEWAY_EXITED" in found:
        return "Install Java 17 (JAVA_HOME)"
    if any(text in found for text in _OWN_ADDRESS_TEXTS):
        return "Set SPARK_LOCAL_IP to an address of this machine, and unset SPARK_LOCAL_HOSTNAME"
    return "Correct NCF_SPARK_MASTER or spark-defaults.conf"


class _Pickled:
    """A value that any pickle writes with the help of cloudpickle, which knows closures as well."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        pickle: Any = importlib.import_module("pyspark.cloudpickle")  # which has no types
        return pickle.loads, (pickle.dumps(self._value),)


def _written(result: DataFrame, scratch: Scratch) -> Iterator[pa.RecordBatch]:
    """Write a result to files in `scratch`, and yield its rows in its order."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    made = Observation()
    counted = result.observe(made, count(lit(1)).alias("rows"))
    with _spark_errors():
        counted.write.parquet(scratch.url, mode="overwrite", compression="zstd")
        rows = made.get["rows"]
    for part in result_files(scratch.fetched(), rows):
        with pq.ParquetFile(part) as file:
            yield from file.iter_batches(READ_ROWS)


@contextmanager
def _spark_errors() -> Iterator[None]:
    """Raise SparkError in place of the errors of the cluster."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException, PythonException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        of_java = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else None
        lines = str(of_java or error).strip().splitlines()
        message = lines[-1 if isinstance(error, PythonException) else 0]  # after its traceback
        raise SparkError(
            f"the engine spark failed ({message}). Check that driver and workers see the data"
            " folder under the same path, or keep it in an object store, and read the"
            " workers' logs, or use the engine duckdb."
        ) from error


def result_files(folder: Path, rows: int) -> list[Path]:
    """Return Spark's files in their order. Raise SparkError unless they have `rows` rows."""
    parts = sorted(folder.glob("part-*.parquet"))
    found = sum(pq.read_metadata(part).num_rows for part in parts)
    if found != rows:
        raise SparkError(
            "driver and workers must see the data folder under the same path, found"
            f" {found:,} of the workers' {rows:,} rows in {folder}. Share the folder, keep the"
            " data in an object store (NCF_DATA_DIR), or use the engine duckdb."
        )
    return parts
