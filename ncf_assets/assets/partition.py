"""What every asset does with its partition: read what it declared, audit, stamp, publish.

How a table, model or report is made is not here but in the stage files.
"""

import hashlib
import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from ncf_assets.checks import Check, checks
from ncf_assets.datasets import load
from ncf_assets.tables import Table
from ncf_assets.warehouse import Draft, Stamp, Warehouse, data_dir

QUERY_ROWS = 500_000  # rows of a query's result held in memory at a time
SHOWN_ROWS = 10  # rows of a table's preview, and failing rows that a check names

DATASETS = dg.StaticPartitionsDefinition(list(load(Warehouse(data_dir()).registry)))


def code_version(*parts: str | Callable[..., Any]) -> str:
    """Hash of the code that makes an asset: texts, functions, and modules by dotted name.

    Modules are read, not imported: TensorFlow must not load with the code location.
    """
    total = hashlib.sha256()
    for part in parts:
        if callable(part):
            total.update(inspect.getsource(part).encode())
        elif part.startswith("ncf_assets."):
            for file in _files(part):
                total.update(file.read_bytes())
        else:
            total.update(part.encode())
    return total.hexdigest()[:16]


def _files(module: str) -> list[Path]:
    """The file of a module, or all files of a package, templates included."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{module} is named as an asset's code but does not exist")
    file = Path(found.origin)
    if file.name != "__init__.py":
        return [file]
    return sorted(p for p in file.parent.rglob("*") if p.is_file() and p.suffix != ".pyc")


class Inputs:
    """The upstream partitions of one asset run. Reading what was not declared is an error."""

    def __init__(self, warehouse: Warehouse, dataset: str, declared: Iterable[str]) -> None:
        self._warehouse = warehouse
        self.dataset = dataset
        self.files = {name: warehouse.existing(name, dataset) for name in sorted(declared)}
        self._stamps = self._current_stamps()

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
        return self.files[asset].with_name(self.record(asset)["file"])

    def query(self, select: str, parameters: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """The rows of a select over the declared tables."""
        tables = {name: file for name, file in self.files.items() if file.suffix == ".parquet"}
        with self._warehouse.connect(tables) as connection:
            relation = connection.sql(select, params=dict(parameters))
            yield from relation.to_arrow_reader(QUERY_ROWS)

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


@dataclass(frozen=True)
class Run:
    """One asset run on one dataset: where it reads and writes, and what goes into its stamps."""

    context: dg.AssetExecutionContext
    warehouse: Warehouse
    inputs: Inputs
    config: Mapping[str, Any]

    @property
    def dataset(self) -> str:
        """The partition."""
        return self.inputs.dataset

    def sizes(self) -> tuple[int, int]:
        """Number of users and of items."""
        return self.inputs.rows("users"), self.inputs.rows("items")

    def origin(self, asset: str, inputs: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What the asset's stamp says beside content and rows."""
        spec = self.context.assets_def.specs_by_key[dg.AssetKey(asset)]
        return {
            "code": spec.code_version,
            "inputs": dict(self.inputs.hashes if inputs is None else inputs),
            "config": dict(self.config),
            "run_id": self.context.run.run_id,
        }

    def publish(self, drafts: Mapping[Draft, Stamp]) -> Iterator[Any]:
        """Audit finished drafts, then put all of them in place, or none."""
        failures: list[str] = []
        for draft in drafts:
            for result, failure in self._audit(draft, drafts):
                yield result
                failures += failure
        if failures:
            raise dg.Failure(
                f"nothing was published for dataset {self.dataset}:\n" + "\n".join(failures),
                allow_retries=False,
            )
        self.inputs.check_unchanged()
        for draft in drafts:
            draft.publish()
        self.warehouse.refresh_catalogue()
        for draft, stamp in drafts.items():
            yield self._materialized(draft, stamp)

    def _audit(
        self, draft: Draft, drafts: Iterable[Draft]
    ) -> Iterator[tuple[dg.AssetCheckResult, list[str]]]:
        """Run each check of a table on its draft."""
        written = {other.table.name: other.path for other in drafts}
        for check in checks()[draft.table.name]:
            files = {
                name: written.get(name) or self.warehouse.existing(name, self.dataset)
                for name in (check.table, *check.reads)
            }
            parameters = {name: self.config[name] for name in check.parameters}
            with self.warehouse.connect(files) as connection:
                failing = connection.sql(check.query, params=parameters).df()
            yield _result(check, failing), _complaint(check, failing)

    def _materialized(self, draft: Draft, stamp: Stamp) -> dg.MaterializeResult[Any]:
        """What the Dagster UI shows of a published table."""
        with self.warehouse.connect({draft.table.name: draft.target}) as connection:
            preview = connection.table(draft.table.name).limit(SHOWN_ROWS).df()
        return dg.MaterializeResult(
            asset_key=draft.table.name,
            data_version=dg.DataVersion(stamp.content),
            metadata={
                "dagster/partition_row_count": stamp.rows,
                "dagster/uri": dg.MetadataValue.path(str(draft.target)),
                "preview": table_metadata(preview),
                "content hash": stamp.content,
            },
        )


def settings_of(config: dg.Config) -> dict[str, Any]:
    """The run configuration that changes results, for stamps and records."""
    return dict(config.model_dump())


def check_spec(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    """A check that stops the run, with a result for each dataset."""
    with warnings.catch_warnings():
        # partitioned checks are in preview; without them one dataset's result hides another's
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, description=description, blocking=True, partitions_def=DATASETS
        )


def check_specs(table: Table) -> list[dg.AssetCheckSpec]:
    """Dagster's view of a table's checks."""
    return [
        check_spec(table.name, check.name, f"{check.description} If not: {check.remedy}.")
        for check in checks()[table.name]
    ]


def table_metadata(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A small frame as a table in the UI; values are shown as text, never rendered."""
    rows = frame.astype(str).to_dict("records")
    schema = dg.TableSchema([dg.TableColumn(str(name)) for name in frame.columns])
    records = [dg.TableRecord({str(k): v for k, v in row.items()}) for row in rows]
    return dg.MetadataValue.table(records, schema=schema)


def _result(check: Check, failing: pd.DataFrame) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"failing rows": len(failing)}
    if len(failing):
        metadata["first failing rows"] = table_metadata(failing.head(SHOWN_ROWS))
    return dg.AssetCheckResult(
        asset_key=check.table, check_name=check.name, passed=failing.empty, metadata=metadata
    )


def _complaint(check: Check, failing: pd.DataFrame) -> list[str]:
    if failing.empty:
        return []
    first = failing.iloc[0].to_dict()
    return [
        f"{check.name}: {check.description} Found {len(failing):,} failing rows, the first is"
        f" {first}; {check.remedy}"
    ]
