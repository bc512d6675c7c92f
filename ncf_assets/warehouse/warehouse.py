"""Read, stage and publish the partitions of one data folder.

A table has a Parquet file for each dataset, which is replaced as one file. Models and reports are
files next to a JSON record. A partition that is being written is next to the one in place until it
is published. How an asset publishes several tables together is in
`ncf_assets.orchestration.publish`.
"""

import contextlib
import json
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.tables import tables
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.bucket import Bucket
from ncf_assets.warehouse.duckdb_connection import connect, duckdb_config
from ncf_assets.warehouse.duckdb_limits import MEMORY_LIMIT, export_spill, memory_limit
from ncf_assets.warehouse.files import (
    atomic_replace,
    locked_temp_dir,
    staged_texts,
    temporary,
    temporary_folder,
)
from ncf_assets.warehouse.object_store import ObjectStore
from ncf_assets.warehouse.parquet import (
    DamagedError,
    StagedTable,
    read_provenance,
    schema_matches,
    undamaged,
)
from ncf_assets.warehouse.paths import ALL_DATASETS, Paths, data_dir, data_url, display_name
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.published import Folder, Published, Version
from ncf_assets.warehouse.scratch import Scratch, scratch
from ncf_assets.warehouse.spark import Spark, SparkError
from ncf_assets.warehouse.versions import (
    MODEL_VERSIONS,
    TABLE_VERSIONS,
    model_versions,
    table_versions,
)

if TYPE_CHECKING:  # pyarrow imports it where a frame is asked for
    import pandas as pd

REPORT = "evaluation_report"
QUERY_ROWS = 500_000  # rows of a query's result that are in memory at a time


class NotMaterializedError(LookupError):
    """A table, model or report has not been made for a dataset. The message names the command."""


@dataclass(frozen=True)
class Warehouse:
    """Everything below one data folder.

    DuckDB takes `memory_limit` (as it writes limits) and spills the rest to disk. With `spark` the
    selects of the tables run there; checks and the catalogue still run in DuckDB. With `store`
    what is published is in an object store, and the folder has only what this machine works with.
    Of each model `model_versions` versions stay, and of each table `table_versions`.
    """

    root: Path
    store: ObjectStore | None = None
    memory_limit: str = MEMORY_LIMIT
    spark: Spark | None = None
    model_versions: int = MODEL_VERSIONS
    table_versions: int = TABLE_VERSIONS

    @classmethod
    def from_env(cls) -> Self:
        """Return the warehouse of the environment variables. Raise ValueError for a wrong one."""
        url = data_url()
        return cls(
            data_dir(),
            store=ObjectStore(url) if url else None,
            memory_limit=memory_limit(),
            model_versions=model_versions(),
            table_versions=table_versions(),
        )

    @property
    def paths(self) -> Paths:
        """The paths in the folder."""
        return Paths(self.root)

    @property
    def published(self) -> Published:
        """Where tables, models and reports are: in the folder, or in the object store."""
        return Bucket(self.root, self.store) if self.store else Folder(self.root)

    @property
    def name(self) -> str:
        """A name that is the same on all machines that share the data."""
        return self.published.name(self.root)

    @property
    def lock_name(self) -> str:
        """What distinguishes the locks here from those of other machines at the same data."""
        return f"{self.name} at {socket.gethostname()}:{self.root}" if self.store else self.name

    # Reading

    def find_provenance(self, asset: str, dataset: str) -> Provenance | None:
        """Return a partition's provenance; None if the partition does not exist."""
        file = self.paths.file(asset, dataset)
        footer = self.published.find_footer(file)
        if footer is None:
            return None
        if file.suffix == ".parquet":
            return read_provenance(footer)
        record = self.record(asset, dataset)
        with undamaged(footer, _remedy(asset)):
            return Provenance.from_json(record["provenance"])

    def get_provenance(self, asset: str, dataset: str) -> Provenance:
        """Return a partition's provenance. Raise NotMaterializedError if it does not exist."""
        found = self.find_provenance(asset, dataset)
        if found is None:
            raise self._not_materialized(asset, dataset)
        return found

    def existing(self, asset: str, dataset: str) -> Path:
        """Return a partition's file, from a store its copy on this machine.

        Raise NotMaterializedError if it does not exist.
        """
        file = self.published.find(self.paths.file(asset, dataset))
        if file is None:
            raise self._not_materialized(asset, dataset)
        return file

    def _not_materialized(self, asset: str, dataset: str) -> NotMaterializedError:
        file = self.published.name(self.paths.file(asset, dataset))
        select = f"materialize {dataset} --select +{asset}"
        return NotMaterializedError(
            f"{asset} of dataset {display_name(dataset)} is not materialized: {file} does not"
            f" exist. Run `ncf-assets {asset if dataset == ALL_DATASETS else select}`."
        )

    def beside(self, asset: str, dataset: str, name: str) -> Path:
        """Return a file that a record names, from a store its copy on this machine.

        Raise NotMaterializedError if it is missing.
        """
        named = self.paths.folder(asset, dataset) / name
        found = self.published.find(named)
        if found is None:
            raise NotMaterializedError(
                f"{self.published.name(named)} is missing, though the record of {asset} names it."
                f" {_remedy(asset)}."
            )
        return found

    def page(self, dataset: str) -> Path:
        """Return the path below the data folder of a report's web page."""
        files = self.record(REPORT, dataset).get("files", [])
        page = next((name for name in files if name.endswith(".html")), "report.html")
        return self.paths.folder(REPORT, dataset) / page

    def schema_matches(self, asset: str, dataset: str) -> bool:
        """Return whether a partition has this version's columns; True for models and reports."""
        footer = self.published.find_footer(self.paths.file(asset, dataset))
        if footer is None:
            raise self._not_materialized(asset, dataset)
        return asset not in tables() or schema_matches(tables()[asset], footer)

    def read(self, table: str, dataset: str, columns: list[str] | None = None) -> "pd.DataFrame":
        """Return one table's partition in its stored order, which is that of its key."""
        with pq.ParquetFile(self.existing(table, dataset)) as file:
            frame: pd.DataFrame = file.read(columns).to_pandas()
        return frame

    def record(self, asset: str, dataset: str) -> dict[str, Any]:
        """Return the JSON record of a model or report."""
        file = self.existing(asset, dataset)
        with undamaged(file, _remedy(asset)):
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return record

    def query(
        self, dataset: str, files: Mapping[str, Path], select: str, parameters: Mapping[str, Any]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a select over published Parquet files, from DuckDB or from Spark."""
        if self.spark:
            with self.scratch(dataset) as place:
                urls = {table: self._for_spark(file) for table, file in files.items()}
                yield from self.spark.rows(select, parameters, urls, place)
            return
        here = {table: self.published.find(file) or file for table, file in files.items()}
        with self.connect(dataset, here) as connection:
            reader = connection.sql(select, params=dict(parameters)).to_arrow_reader(QUERY_ROWS)
            with reader:  # a reader that is not closed would keep DuckDB's spilled files
                yield from reader

    def check_mllib(self, dataset: str) -> Spark:
        """Return Spark. Raise SparkError if it is not the engine."""
        if self.spark is None:
            raise SparkError(
                f"ials_model of dataset {dataset} is fitted by MLlib, which needs the engine spark,"
                " and the engine of this run is duckdb. Set NCF_ENGINE=spark, or materialize"
                " ials_model with `fitted_by: numpy`, and what follows from it."
            )
        return self.spark

    def item_factors(
        self,
        dataset: str,
        files: Mapping[str, Path],
        select: str,
        parameters: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> Iterator[pa.RecordBatch]:
        """Yield the items' factors that MLlib fits to a select of weights; see `Spark`."""
        spark = self.check_mllib(dataset)
        urls = {table: self._for_spark(file) for table, file in files.items()}
        with self.scratch(dataset) as place, self.scratch(dataset) as checkpoints:
            yield from spark.item_factors(
                select, parameters, urls, settings, place, checkpoints.url
            )

    def connect(
        self, dataset: str, files: Mapping[str, Path]
    ) -> contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Connect to a private in-memory DuckDB with a view for each of these files."""
        return connect(self.root, dataset, files, self.memory_limit)

    def scratch(self, dataset: str) -> contextlib.AbstractContextManager[Scratch]:
        """Open a place in which Spark's workers leave their rows."""
        return scratch(self.root, dataset, self.store)

    def _for_spark(self, file: Path) -> str:
        """Return the path or URL from which Spark reads a partition."""
        if self.store:
            return self.store.spark_url(file.relative_to(self.root).as_posix())
        return self.published.sql(file.relative_to(self.root).as_posix())

    # Staging and publishing

    @contextlib.contextmanager
    def stage_table(self, table: str, dataset: str) -> Iterator[StagedTable]:
        """Open a partition to write, next to the one in place; remove it unless it is published."""
        target = self.paths.file(table, dataset)
        with temporary(target) as path:
            staged = StagedTable(tables()[table], target, path, self.published)
            try:
                yield staged
            finally:
                staged.close()

    def publish_tables(self, staged: Iterable[StagedTable], dataset: str) -> None:
        """Put sealed tables in place, and keep the versions before them that are to stay.

        The files in place get second names before the first is replaced, so that at every moment
        each is complete under its own, and a disk without space for a name replaces none. A table
        of all datasets has no version before. Raise ReplacedError if another run has published one
        of them since this one began.
        """
        tables, published = list(staged), self.published
        for table in tables:
            table.check_current()
        previous = {
            table.target: self.paths.previous(table.table.name, dataset)
            for table in tables
            if not table.table.is_global
        }
        if self.table_versions > 1:
            for target, folder in previous.items():
                published.keep(target, folder)
        for table in tables:
            table.publish()
        for folder in previous.values():
            published.prune_kept(folder, self.table_versions - 1)

    def previous_versions(self, table: str, dataset: str) -> list[Path]:
        """Return the paths of the undamaged versions before the current one, the newest first."""
        current = self.find_provenance(table, dataset)
        found = []
        for file in self.published.kept(self.paths.previous(table, dataset)):
            with contextlib.suppress(DamagedError):
                footer = self.published.find_footer(file)
                # a run that was killed before it published has kept the current version
                if footer and read_provenance(footer) != current:
                    found.append(file)
        return found

    def seen(self, asset: str, dataset: str) -> Version | None:
        """Return what is published, for a run to name when it replaces it; None for a folder."""
        return self.published.seen(self.paths.file(asset, dataset))

    @contextlib.contextmanager
    def stage_model(self, asset: str, dataset: str, suffix: str = ".keras") -> Iterator[Path]:
        """Yield a path to save a model to, for `publish_model`."""
        with temporary(self.paths.file(asset, dataset), suffix) as path:
            yield path

    def publish_model(
        self,
        asset: str,
        dataset: str,
        saved: Sequence[Path],
        provenance: Provenance,
        record: Mapping[str, Any],
        seen: Version | None = None,
    ) -> Path:
        """Put a model's saved files in place, then the model.json that names them.

        Return the first, which is the model; the others have suffixes of their own. A file's name
        has the content hash, so the previous model stays usable until the record is replaced. The
        oldest files are then removed. Raise ReplacedError if the record is not the one that was
        `seen`.
        """
        folder, published = self.paths.folder(asset, dataset), self.published
        name = f"{asset.removesuffix('_model')}-{provenance.content_hash}"
        files = {folder / f"{name}{path.suffix}": path for path in saved}
        file, *beside = files
        named = {"file": file.name} | {path.suffix[1:]: path.name for path in beside}
        record = {**named, **record, "provenance": provenance.to_json()}
        self._publish(files, self.paths.file(asset, dataset), record, seen)
        for path in files:
            published.prune(path, self.model_versions)
        if "saved_model" in record:
            published.prune(folder / record["saved_model"], self.model_versions)
        return file

    def _publish(
        self,
        files: Mapping[Path, Path],
        target: Path,
        record: Mapping[str, Any],
        seen: Version | None,
    ) -> None:
        """Put written files at their paths, then the record that names them."""
        with staged_texts({target: as_text(record)}) as records:
            self.published.check(target, seen)
            for path, written in files.items():
                self.published.put(written, path)
            self.published.replace(records[target], target, seen)

    @contextlib.contextmanager
    def saved_model(self, asset: str, dataset: str) -> Iterator[tuple[Path, str]]:
        """Yield a folder to write a SavedModel to, and the name that it will have.

        It is put in place if the block ends without error; the record that `publish_model` writes
        names it. Its number is one more than the highest there is, as TF Serving takes the highest.
        """
        folder = self.paths.saved_models(asset, dataset)
        found = self.published.glob(f"{folder.relative_to(self.root).as_posix()}/*/*")
        numbers = [int(path.parent.name) for path in found if path.parent.name.isdecimal()]
        target = folder / str(max(numbers, default=0) + 1)
        with temporary_folder(folder) as written:
            yield written, str(target.relative_to(folder.parent))
            self.published.put_folder(written, target)

    def write_checkpoint(self, asset: str, dataset: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace a training's checkpoint by named arrays, which have no Python objects."""
        target = self.paths.checkpoint(asset, dataset)
        with temporary(target, ".npz") as path:
            np.savez(path, allow_pickle=False, **arrays)
            atomic_replace(path, target)

    def publish_texts(
        self,
        asset: str,
        dataset: str,
        texts: Mapping[str, str],
        record: Mapping[str, Any],
        seen: Version | None = None,
    ) -> None:
        """Put text files in place, by name, then the record that names them as `files`.

        If the disk is full, no file is replaced. A kill may leave new files next to an old record,
        but not in a store, where a file's name has the hash of its text. Raise ReplacedError if the
        record is not the one that was `seen`.
        """
        folder, published = self.paths.folder(asset, dataset), self.published
        named = {published.content_name(name, text): text for name, text in texts.items()}
        with staged_texts({folder / name: text for name, text in named.items()}) as files:
            record = {**record, "files": list(named)}
            self._publish(files, self.paths.file(asset, dataset), record, seen)
        for path in files:
            if path.name not in texts:  # those of a folder have taken the places of the older ones
                published.prune(path, self.model_versions)

    # The catalogue and the export

    def refresh_catalogue(self) -> None:
        """Rebuild the catalogue if a table has appeared or its definition has changed."""
        if self.published.is_local:  # views of a store belong to the process that can read it
            catalogue.refresh(self.paths.database, self.published)

    def export(self, file: Path, only: Collection[str] | None = None) -> dict[str, int]:
        """Write tables to one DuckDB file that needs no other file; return the rows of each.

        They are all that there are, or those of `only`.
        """
        with (
            locked_temp_dir(file) as half,
            locked_temp_dir(export_spill(self.root) or half / "spill") as spill,
        ):
            config = duckdb_config(self.memory_limit, spill)
            return catalogue.export(file, half, self.published, config, only)


def as_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON that people can read."""
    return json.dumps(record, indent=2) + "\n"


def _remedy(asset: str) -> str:
    return f"Remove it and materialize {asset} again"
