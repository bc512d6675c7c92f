"""The body that all assets share: read one lineage, write, check, publish, show.

A table is staged next to the one in place. It is published when every check has passed on the
staged rows, so that nobody ever reads rows that break a rule. What an asset reads is in `inputs`.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa

from ncf_assets.checks import Check, checks
from ncf_assets.orchestration.dagster_runs import is_terminated
from ncf_assets.orchestration.errors import translate_errors
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.metadata import (
    PREVIEW_ROWS,
    ResourceUsage,
    lineage_metadata,
    table_metadata,
)
from ncf_assets.warehouse.parquet import StagedTable
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.published import Version
from ncf_assets.warehouse.system_errors import explain
from ncf_assets.warehouse.warehouse import Warehouse

ROW_COUNT = {False: "dagster/partition_row_count", True: "dagster/row_count"}

Rows: TypeAlias = pd.DataFrame | pa.RecordBatch | Iterable[pa.RecordBatch]


@dataclass
class AssetRun:
    """One asset, or several that are made together, being made for one dataset.

    config: the settings that change results; they become part of the provenance
    input_hashes: the content hash of each input, part of the provenance as well
    source: path, size and mtime of the source file, where the asset reads one
    check_parameters: settings of checks; they change no row and are not part of the provenance
    extra_metadata: what the UI shows besides what it shows of every table
    seen: what was published of each asset when this run began, which alone it may replace
    previews: rows of tables that the UI shows; the first ones where a step gives none
    check_results: of checks that the asset's function makes itself
    """

    context: dg.AssetExecutionContext
    warehouse: Warehouse
    inputs: Inputs
    config: Mapping[str, Any]
    input_hashes: Mapping[str, str]
    source: Mapping[str, Any] = field(default_factory=dict)
    check_parameters: Mapping[str, Any] = field(default_factory=dict)
    extra_metadata: dict[str, Any] = field(default_factory=dict)
    seen: Mapping[str, Version | None] = field(default_factory=dict)
    previews: dict[str, pd.DataFrame] = field(default_factory=dict)
    check_results: list[dg.AssetCheckResult] = field(default_factory=list)
    usage: ResourceUsage = field(default_factory=ResourceUsage)
    _staged: Mapping[str, StagedTable] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    @property
    def dataset(self) -> str:
        """The partition."""
        return self.inputs.dataset

    def sizes(self) -> tuple[int, int]:
        """Return the number of users and of items."""
        return self.inputs.rows("users"), self.inputs.rows("items")

    def write(self, table: str, rows: Rows) -> None:
        """Append rows to one of the tables that this run makes, in the order of the table's key."""
        self._written.add(table)
        with closing(_batches(rows)) as batches:
            self._staged[table].write(batches)

    def rows_written(self, table: str) -> int:
        """Return how many rows of a table have been written so far."""
        return self._staged[table].rows

    def provenance(self, asset: str) -> dict[str, Any]:
        """Return what an asset's provenance says besides its content hash and number of rows."""
        spec = self.context.assets_def.specs_by_key[dg.AssetKey(asset)]
        return {
            "code_version": spec.code_version,
            "input_hashes": dict(self.input_hashes),
            "config": dict(self.config),
            "run_id": self.context.run.run_id,
        }

    def publish(self) -> Iterator[Any]:
        """Check the staged tables; if all pass, put them in place, one right after the other."""
        self._check_complete()
        sealed = {
            table: table.seal(**self.provenance(name), source=self.source)
            for name, table in self._staged.items()
        }
        yield from self.check_results
        failures: list[str] = []
        for table in sealed:
            for result, failure in self._audit(table):
                yield result
                failures += failure
        if failures:
            raise dg.Failure(
                f"nothing was published for dataset {self.dataset}:\n" + "\n".join(failures),
                allow_retries=False,
            )
        self.check_publishable()
        self.warehouse.publish_tables(sealed, self.dataset)
        self.refresh_catalogue()
        for table, provenance in sealed.items():
            yield self._materialized(table, provenance)

    def check_publishable(self) -> None:
        """Refuse to publish for a run that was terminated, or from inputs that were replaced.

        The interruption of a terminated run may be late, or lost in a library.
        """
        if is_terminated(self.context.instance, self.context.run.run_id):
            raise dg.DagsterExecutionInterruptedError
        self.inputs.check_unchanged()

    def refresh_catalogue(self) -> None:
        """Have SQL's views show what was published; warn if they cannot.

        That must not fail the step: what is published stays, and Dagster has to record it.
        """
        try:
            self.warehouse.refresh_catalogue()
        except (OSError, MemoryError, duckdb.Error) as error:  # a lock's timeout is an OSError
            found = explain(error, self.warehouse.root)
            cause = found.text if found else str(error)
            self.context.log.warning(
                f"{self.warehouse.paths.database} could not be refreshed: {cause.rstrip('.')}."
                " What this step made is published, but SQL may not show it yet. Remove the cause,"
                " then run `ncf-assets doctor --fix`; the next run refreshes it as well."
            )

    def _check_complete(self) -> None:
        """Refuse a table to which nothing was written: it would be published empty."""
        if missing := [name for name in self._staged if name not in self._written]:
            raise dg.Failure(
                f"nothing was written to {', '.join(missing)}."
                " Call `run.write` for each table that the asset makes, even without rows.",
                allow_retries=False,
            )

    def _audit(self, staged: StagedTable) -> Iterator[tuple[dg.AssetCheckResult, list[str]]]:
        """Run each check of a table on its staged rows, and keep the first ones for the UI."""
        name = staged.table.name
        paths = {other: table.path for other, table in self._staged.items()}
        files = {name: staged.path} | {
            read: paths.get(read) or self.warehouse.existing(read, self.dataset)
            for check in checks()[name]
            for read in (check.table, *check.reads)
        }
        settings = {**self.config, **self.check_parameters}
        with self.warehouse.connect(self.dataset, files) as connection:
            for check in checks()[name]:
                parameters = {name: settings[name] for name in check.parameters}
                failing = connection.sql(check.query, params=parameters).df()
                complaint = _complaint(check, failing)
                yield _result(check, failing, complaint), [] if check.warns else complaint
            if name not in self.previews:
                self.previews[name] = connection.table(name).limit(PREVIEW_ROWS).df()

    def _materialized(
        self, staged: StagedTable, provenance: Provenance
    ) -> dg.MaterializeResult[Any]:
        """Return what the Dagster UI shows of a published table."""
        table = staged.table
        preview = self.previews[table.name]
        return dg.MaterializeResult(
            asset_key=table.name,
            data_version=dg.DataVersion(provenance.content_hash),
            metadata={
                ROW_COUNT[table.is_global]: provenance.rows,
                **({} if preview.empty else {"preview": table_metadata(preview)}),
                **lineage_metadata(table),
                # an asset's page leaves `dagster/uri` of a materialization out
                "file": dg.MetadataValue.path(self.warehouse.published.name(staged.target)),
                "content hash": provenance.content_hash,
                **self.usage.as_metadata(),
                **self.extra_metadata,
            },
        )


@contextmanager
def asset_run(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    inputs: Iterable[str],
    config: Mapping[str, Any],
    dataset: str,
    *,
    tables: Sequence[str] = (),
    assets: Sequence[str] = (),
    one_lineage: bool = True,
) -> Iterator[AssetRun]:
    """Open what an asset reads and writes; errors leave it as Dagster failures with a remedy.

    `tables` are staged, to be written with `AssetRun.write` and published with `AssetRun.publish`;
    `assets` are others that are made. Inputs that do not come from the same interactions are
    refused before any work, unless `one_lineage` is False.
    """
    with translate_errors(context, warehouse, (*tables, *assets)), ExitStack() as stack:
        read = Inputs(warehouse, dataset, inputs)
        if one_lineage:
            read.check_one_lineage()
        staged = {
            name: stack.enter_context(warehouse.stage_table(name, dataset)) for name in tables
        }
        seen = {name: warehouse.seen(name, dataset) for name in assets}
        yield AssetRun(context, warehouse, read, config, read.hashes, seen=seen, _staged=staged)


def _batches(rows: Rows) -> Generator[pa.RecordBatch, None, None]:
    """Yield rows as record batches; closing it closes what they come from."""
    if isinstance(rows, pd.DataFrame):
        yield from pa.Table.from_pandas(rows, preserve_index=False).to_batches()
    elif isinstance(rows, pa.RecordBatch):
        yield rows
    else:
        yield from rows


def _result(check: Check, failing: pd.DataFrame, complaint: list[str]) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"failing rows": len(failing)}
    if len(failing):
        metadata["first failing rows"] = table_metadata(failing.head(PREVIEW_ROWS))
    return dg.AssetCheckResult(
        asset_key=check.table,
        check_name=check.name,
        passed=failing.empty,
        severity=dg.AssetCheckSeverity.WARN if check.warns else dg.AssetCheckSeverity.ERROR,
        description="; ".join(complaint) or None,
        metadata=metadata,
    )


def _complaint(check: Check, failing: pd.DataFrame) -> list[str]:
    if failing.empty:
        return []
    first = "; ".join(f"{name}: {value}" for name, value in failing.iloc[0].items())
    found = "1 failing row" if len(failing) == 1 else f"{len(failing):,} failing rows, the first"
    rule = f"{check.name} failed. Its rule: {check.description}"
    return [f"{rule} Found {found} ({first}). Remedy: {check.remedy}."]
