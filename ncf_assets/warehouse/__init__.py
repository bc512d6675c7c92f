"""The warehouse: the only place that publishes to the paths below `data/`, which are `layout`'s.

Tables are Parquet files, one for each table and dataset, replaced whole; models and reports are
files beside a JSON record. `catalogue` shows the tables in DuckDB, `parquet` writes them, `stamp`
is what each carries about its origin. How a table is made, and which Dagster asset does it, is
`ncf_assets.assets`.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.tables import tables
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.files import (
    glob_escaped,
    held_folder,
    put_in_place,
    replace,
    replace_folder,
    temporary,
    temporary_folder,
    written,
)
from ncf_assets.warehouse.layout import EVERY, PROJECT_DATA, Layout, data_dir
from ncf_assets.warehouse.memory import MEMORY_LIMIT, export_spill, memory_limit, spill_folder
from ncf_assets.warehouse.models import MODELS_KEPT, models_kept, prune
from ncf_assets.warehouse.parquet import DamagedError, Draft, has_columns_of, read_stamp
from ncf_assets.warehouse.spark import Spark
from ncf_assets.warehouse.stamp import Stamp

__all__ = [
    "EVERY",
    "PROJECT_DATA",
    "DamagedError",
    "Draft",
    "NotMaterializedError",
    "Stamp",
    "Warehouse",
    "data_dir",
    "models_kept",
]

QUERY_ROWS = 500_000  # rows of a query's result held in memory at a time


class NotMaterializedError(LookupError):
    """A table, model or report was asked for that has not been made for this dataset."""


def quoted(identifier: str) -> str:
    """An SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def as_text(record: Mapping[str, Any]) -> str:
    """A record as the JSON that people read."""
    return json.dumps(record, indent=2) + "\n"


@dataclass(frozen=True)
class Warehouse(Layout):
    """Everything below one data folder; of each model, `models_kept` versions.

    DuckDB takes `memory_limit` (in its own words) and spills the rest to `spill_folder`, else tmp/.
    With `spark` the selects of the tables run there; checks and the catalogue stay DuckDB's.
    """

    models_kept: int = MODELS_KEPT
    memory_limit: str = MEMORY_LIMIT
    spark: Spark | None = None

    @classmethod
    def of_environment(cls) -> Self:
        """As the environment variables say. ValueError for one that makes no sense."""
        return cls(data_dir(), models_kept(), memory_limit())

    # -- reading

    def find_stamp(self, asset: str, dataset: str) -> Stamp | None:
        """Where a partition comes from; None if it is not there."""
        return self.stamp(asset, dataset) if self.file(asset, dataset).exists() else None

    def stamp(self, asset: str, dataset: str) -> Stamp:
        """Where a partition comes from. Raises NotMaterializedError if it is not there."""
        file = self.existing(asset, dataset)
        if file.suffix == ".parquet":
            return read_stamp(file)
        return Stamp.from_json(self.record(asset, dataset)["stamp"])

    def existing(self, asset: str, dataset: str) -> Path:
        """The partition's file. Raises NotMaterializedError if it is not there."""
        file = self.file(asset, dataset)
        if not file.exists():
            raise NotMaterializedError(
                f"{asset} of dataset {dataset} is not materialized: no {file};"
                f" run `ncf-assets materialize {dataset} --select {asset}`"
            )
        return file

    def has_its_columns(self, asset: str, dataset: str) -> bool:
        """Whether a partition that is there, if of a table, has the columns of this version."""
        file = self.existing(asset, dataset)
        return file.suffix != ".parquet" or has_columns_of(tables()[asset], file)

    def read(self, table: str, dataset: str, columns: list[str] | None = None) -> pd.DataFrame:
        """One table's partition in its stored order (that of its key)."""
        with pq.ParquetFile(self.existing(table, dataset)) as file:
            frame: pd.DataFrame = file.read(columns).to_pandas()
        return frame

    def record(self, asset: str, dataset: str) -> dict[str, Any]:
        """The JSON record of a model or report."""
        file = self.existing(asset, dataset)
        try:
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DamagedError(
                f"{file} is damaged; remove it and materialize {asset} again"
            ) from error
        return record

    def rows(
        self,
        dataset: str,
        partitions: Mapping[str, Path],
        select: str,
        parameters: Mapping[str, Any],
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a select over the named Parquet files, from whichever engine is set."""
        if self.spark:
            with self.scratch(dataset) as folder:
                yield from self.spark.rows(select, parameters, partitions, folder)
            return
        with self.connect(dataset, partitions) as connection:
            reader = connection.sql(select, params=dict(parameters)).to_arrow_reader(QUERY_ROWS)
            with reader:  # what is not read to the end would keep DuckDB's spilled files
                yield from reader

    def scratch(self, dataset: str) -> contextlib.AbstractContextManager[Path]:
        """A folder in which Spark's workers hand over their rows."""
        return temporary_folder(self.root / "tmp" / f"dataset={dataset}" / "spark")

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

    # -- writing

    @contextlib.contextmanager
    def draft(self, table: str, dataset: str) -> Iterator[Draft]:
        """A table's partition being written beside the one in place; gone unless published."""
        target = self.file(table, dataset)
        with temporary(target) as path:
            draft = Draft(tables()[table], target, path)
            try:
                yield draft
            finally:
                draft.close()

    @contextlib.contextmanager
    def unsaved_model(self, asset: str, dataset: str, suffix: str = ".keras") -> Iterator[Path]:
        """A path to save a model to, which `publish_model` takes over."""
        with temporary(self.file(asset, dataset), suffix) as path:
            yield path

    def publish_model(
        self, asset: str, dataset: str, saved: Path, stamp: Stamp, facts: Mapping[str, Any]
    ) -> Path:
        """Put a saved model file in place, then the model.json that names it.

        The file's name holds its content hash, so the model in place stays whole until the record
        is replaced; the oldest files are then removed.
        """
        folder = self.folder(asset, dataset)
        file = folder / f"{asset.removesuffix('_model')}-{stamp.content}{saved.suffix}"
        record = {"file": file.name, **facts, "stamp": stamp.to_json()}
        with written({self.file(asset, dataset): as_text(record)}) as records:
            replace(saved, file)
            put_in_place(records)
        prune(file, self.models_kept)
        return file

    @contextlib.contextmanager
    def saved_model(self, asset: str, dataset: str, content: str) -> Iterator[Path]:
        """A folder for a SavedModel to be written to; put in place when the block ends well."""
        target = self.folder(asset, dataset) / self.saved_model_name(asset, content)
        with temporary_folder(target) as folder:
            yield folder
            replace_folder(folder, target)
        prune(target, self.models_kept)

    def write_checkpoint(self, asset: str, dataset: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace a training's progress: named arrays, without Python objects in them."""
        target = self.checkpoint(asset, dataset)
        with temporary(target, ".npz") as path:
            np.savez(path, allow_pickle=False, **arrays)
            replace(path, target)

    def publish_record(self, asset: str, dataset: str, record: Mapping[str, Any]) -> None:
        """Replace the JSON record: from now on the partition is what it names."""
        with written({self.file(asset, dataset): as_text(record)}) as records:
            put_in_place(records)

    def publish_texts(
        self, asset: str, dataset: str, texts: Mapping[str, str], record: Mapping[str, Any]
    ) -> None:
        """Replace text files in the partition's folder, by name, then the record; all or none."""
        folder = self.folder(asset, dataset)
        targets = {folder / name: text for name, text in texts.items()}
        with written(targets | {self.file(asset, dataset): as_text(record)}) as files:
            put_in_place(files)

    def refresh_catalogue(self) -> None:
        """Rebuild the catalogue if a table has appeared or its definition has changed."""
        catalogue.refresh(self.database, self.root)

    def export(self, file: Path) -> dict[str, int]:
        """Write all tables into one self-contained DuckDB file; the rows of each."""
        with (
            held_folder(file) as half,
            held_folder(export_spill(self.root) or half / "spill") as spill,
        ):
            return catalogue.export(file, half, self.root, self._resources(spill))
