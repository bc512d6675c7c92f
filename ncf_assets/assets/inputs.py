"""What an asset reads: its declared upstream partitions, as they were when its run began."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from ncf_assets.tables import Table
from ncf_assets.warehouse import DamagedError, Stamp, Warehouse
from ncf_assets.warehouse.lineage import broken_links

USERS_AT_ONCE = 20_000  # whose lists of 100 are sorted at once in 100 MB; ours


class Inputs:
    """The upstream partitions of one asset run. Reading what was not declared is an error."""

    def __init__(self, warehouse: Warehouse, dataset: str, declared: Iterable[str]) -> None:
        self._warehouse = warehouse
        self.dataset = dataset
        self.files = {name: warehouse.existing(name, dataset) for name in sorted(declared)}
        self._stamps = self._current_stamps()

    @classmethod
    def of_one_lineage(cls, warehouse: Warehouse, dataset: str, declared: Iterable[str]) -> Self:
        """What an asset reads, if it belongs together; else it is refused before any work."""
        inputs = cls(warehouse, dataset, declared)
        if broken := broken_links(warehouse, inputs.files, dataset):
            raise dg.Failure(
                f"what is read of dataset {dataset} must come from the same interactions and this"
                f" version, and does not: {'; '.join(broken)}",
                allow_retries=False,
            )
        return inputs

    @property
    def hashes(self) -> dict[str, str]:
        """The content hash of each upstream partition, as it was when this run began."""
        return {name: stamp.content for name, stamp in self._stamps.items()}

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        self._check_declared(table)
        return self._stamps[table].rows

    def read(self, table: str, columns: list[str] | None = None) -> pd.DataFrame:
        """A table's rows in the order of its key."""
        self._check_declared(table)
        return self._warehouse.read(table, self.dataset, columns)

    def record(self, asset: str) -> dict[str, Any]:
        """The JSON record of a model."""
        self._check_declared(asset)
        return self._warehouse.record(asset, self.dataset)

    def model_file(self, asset: str) -> Path:
        """The .keras file of a model."""
        name = str(self.record(asset)["file"])
        if name in ("", "..") or Path(name).name != name:
            raise DamagedError(
                f"{self.files[asset]} names {name!r}, which is no file of its folder;"
                f" materialize {asset} again"
            )
        return self.files[asset].with_name(name)

    def query(self, select: str, parameters: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """The rows of a select over the declared tables."""
        tables = {name: file for name, file in self.files.items() if file.suffix == ".parquet"}
        yield from self._warehouse.rows(self.dataset, tables, select, parameters)

    def query_by_user(
        self, table: Table, parameters: Mapping[str, Any], users_of: str
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a table's select, some users of `users_of` at a time.

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
        current = self._current_stamps()
        changed = [name for name in self.files if current[name] != self._stamps[name]]
        if changed:
            raise dg.Failure(
                f"{', '.join(changed)} of dataset {self.dataset} changed while being read,"
                " by another run; nothing was published, run this asset again"
            )

    def _current_stamps(self) -> dict[str, Stamp]:
        return {name: self._warehouse.stamp(name, self.dataset) for name in self.files}

    def _check_declared(self, name: str) -> None:
        if name not in self.files:
            raise KeyError(f"{name} is read but not declared; add it to the asset's `reads`")
