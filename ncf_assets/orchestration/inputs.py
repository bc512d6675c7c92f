"""What an asset reads: its declared upstream partitions, as they were when its run began."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ncf_assets.tables import Table, tables
from ncf_assets.warehouse.lineage import find_inconsistencies
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

USERS_AT_ONCE = 20_000  # whose lists of 100 are sorted at once in 100 MB: chosen


class Inputs:
    """The upstream partitions of one asset run. Reading what was not declared is an error."""

    def __init__(self, warehouse: Warehouse, dataset: str, declared: Iterable[str]) -> None:
        self._warehouse = warehouse
        self.dataset = dataset
        self._declared = sorted(declared)
        self._provenance = self._current_provenance()
        self._made: dict[str, Any] = {}

    def once(self, what: str, make: Callable[[], Any]) -> Any:
        """Return what is made of these inputs, which is kept for the next time it is asked for."""
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    def check_one_lineage(self) -> None:
        """Refuse inputs that do not come from the same interactions and this version."""
        if broken := find_inconsistencies(self._warehouse, self._declared, self.dataset):
            raise dg.Failure(
                f"what is read of dataset {self.dataset} must come from the same interactions and"
                f" this version, and does not: {'; '.join(broken)}",
                allow_retries=False,
            )

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each upstream partition, as it was when this run began."""
        return {name: provenance.content_hash for name, provenance in self._provenance.items()}

    def rows(self, table: str) -> int:
        """Return how many rows a table has."""
        self._check_declared(table)
        return self._provenance[table].rows

    def read(self, table: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Return a table's rows in the order of its key."""
        self._check_declared(table)
        return self._warehouse.read(table, self.dataset, columns)

    def record(self, asset: str) -> dict[str, Any]:
        """Return the JSON record of a model."""
        self._check_declared(asset)
        return self._warehouse.record(asset, self.dataset)

    def model_file(self, asset: str) -> Path:
        """Return the file of a model."""
        name = str(self.record(asset)["file"])
        if name in ("", "..") or Path(name).name != name:
            raise DamagedError(
                f"{self.file(asset)} names {name!r}, which is no file of its folder."
                f" Materialize {asset} again."
            )
        return self._warehouse.beside(asset, self.dataset, name)

    def file(self, asset: str) -> Path:
        """Return the file of a table, or the record of a model."""
        self._check_declared(asset)
        return self._warehouse.existing(asset, self.dataset)

    def connect(self, names: Iterable[str]) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Connect to a private DuckDB with a view for each of these tables."""
        return self._warehouse.connect(self.dataset, {name: self.file(name) for name in names})

    def query(self, select: str, parameters: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a select over the declared tables."""
        paths = self._warehouse.paths
        files = {
            name: paths.file(name, self.dataset) for name in self._declared if name in tables()
        }
        yield from self._warehouse.query(self.dataset, files, select, parameters)

    def check_mllib(self) -> None:
        """Raise SparkError unless MLlib can fit to these inputs."""
        self._warehouse.check_mllib(self.dataset)

    def item_factors(
        self,
        select: str,
        parameters: Mapping[str, Any],
        settings: Mapping[str, Any],
        names: Iterable[str],
    ) -> Iterator[pa.RecordBatch]:
        """Yield the items' factors that MLlib fits to a select of weights over some tables."""
        paths = self._warehouse.paths
        for name in names:
            self._check_declared(name)
        files = {name: paths.file(name, self.dataset) for name in names}
        yield from self._warehouse.item_factors(self.dataset, files, select, parameters, settings)

    def query_by_user(
        self, table: Table, parameters: Mapping[str, Any], users_of: str
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table's select, some users of `users_of` at a time.

        All at once, DuckDB's sort finds no memory for some hundred million rows; Spark's does.
        """
        if self._warehouse.spark:
            yield from self.query(str(table.select), parameters)
            return
        users = np.unique(self.read(users_of, ["user"])["user"])
        for start in range(0, len(users), USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]
            these = {"first_user": int(some[0]), "last_user": int(some[-1])}
            yield from self.query(table.select_of_users, {**parameters, **these})

    def check_unchanged(self) -> None:
        """Refuse to publish what was made from partitions that have been replaced meanwhile."""
        current = self._current_provenance()
        changed = [name for name in self._declared if current[name] != self._provenance[name]]
        if changed:
            raise dg.Failure(
                f"{', '.join(changed)} of dataset {self.dataset} changed while being read,"
                " by another run. Nothing was published. Run this asset again."
            )

    def _current_provenance(self) -> dict[str, Provenance]:
        return {name: self._warehouse.get_provenance(name, self.dataset) for name in self._declared}

    def _check_declared(self, name: str) -> None:
        if name not in self._declared:
            raise KeyError(f"{name} is read but not declared. Add it to the asset's `reads`.")
