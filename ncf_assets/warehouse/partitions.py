"""Reading the partitions of one data folder: their stamps, rows and records."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from ncf_assets.tables import tables
from ncf_assets.warehouse.layout import Layout
from ncf_assets.warehouse.parquet import has_columns_of, read_stamp, undamaged
from ncf_assets.warehouse.stamp import Stamp


class NotMaterializedError(LookupError):
    """A table, model or report was asked for that has not been made for this dataset."""


@dataclass(frozen=True)
class Partitions(Layout):
    """What is in place below a data folder."""

    def find_stamp(self, asset: str, dataset: str) -> Stamp | None:
        """Where a partition comes from; None if it is not there."""
        return self.stamp(asset, dataset) if self.file(asset, dataset).exists() else None

    def stamp(self, asset: str, dataset: str) -> Stamp:
        """Where a partition comes from. Raises NotMaterializedError if it is not there."""
        file = self.existing(asset, dataset)
        if file.suffix == ".parquet":
            return read_stamp(file)
        record = self.record(asset, dataset)
        with undamaged(file, _remedy(asset)):
            return Stamp.from_json(record["stamp"])

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
        with undamaged(file, _remedy(asset)):
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return record


def _remedy(asset: str) -> str:
    return f"remove it and materialize {asset} again"
