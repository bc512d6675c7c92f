"""What every asset does with its partition: audit, stamp, publish, and show it in Dagster.

What it reads is `inputs`; how a table, model or report is made, the stage files.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pandas as pd

from ncf_assets.assets.effort import Effort
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.shown import lineage_metadata, table_metadata
from ncf_assets.checks import Check, checks
from ncf_assets.datasets import load
from ncf_assets.tables import Table
from ncf_assets.warehouse import Draft, Stamp, Warehouse, data_dir

ROW_COUNT = {False: "dagster/partition_row_count", True: "dagster/row_count"}
SHOWN_ROWS = 10  # rows of a table's preview, and failing rows that a check names

DATASETS = dg.StaticPartitionsDefinition(list(load(Warehouse(data_dir()).registry)))


@dataclass(frozen=True)
class Run:
    """One asset run on one dataset: where it reads and writes, and what goes into its stamps.

    `limits` are parameters of checks that change no row, and so are not stamped.
    """

    context: dg.AssetExecutionContext
    warehouse: Warehouse
    inputs: Inputs
    config: Mapping[str, Any]
    limits: Mapping[str, Any] = field(default_factory=dict)
    effort: Effort = field(default_factory=Effort)

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

    def publish(
        self, drafts: Mapping[Draft, Stamp], more: Mapping[str, Any] | None = None
    ) -> Iterator[Any]:
        """Audit finished drafts; if all pass, put them in place, one right after the other."""
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
        for draft in drafts:
            self.warehouse.share(draft.table.name, self.dataset)
        self.warehouse.refresh_catalogue()
        for draft, stamp in drafts.items():
            yield self._materialized(draft, stamp, more or {})

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
            settings = {**self.config, **self.limits}
            parameters = {name: settings[name] for name in check.parameters}
            with self.warehouse.connect(self.dataset, files) as connection:
                failing = connection.sql(check.query, params=parameters).df()
            complaint = _complaint(check, failing)
            yield _result(check, failing, complaint), [] if check.warns else complaint

    def _materialized(
        self, draft: Draft, stamp: Stamp, more: Mapping[str, Any]
    ) -> dg.MaterializeResult[Any]:
        """What the Dagster UI shows of a published table."""
        shown = {draft.table.name: draft.target}
        with self.warehouse.connect(self.dataset, shown) as connection:
            preview = connection.table(draft.table.name).limit(SHOWN_ROWS).df()
        return dg.MaterializeResult(
            asset_key=draft.table.name,
            data_version=dg.DataVersion(stamp.content),
            metadata={
                ROW_COUNT[draft.table.spans_datasets]: stamp.rows,
                **lineage_metadata(draft.table),
                "dagster/uri": dg.MetadataValue.path(str(draft.target)),
                "preview": table_metadata(preview),
                "content hash": stamp.content,
                **self.effort.so_far(),
                **more,
            },
        )


def settings_of(config: dg.Config) -> dict[str, Any]:
    """The run configuration that changes results, for stamps and records."""
    return dict(config.model_dump())


def partitions_of(table: Table) -> dg.PartitionsDefinition[str] | None:
    """A table has a partition for each dataset, unless one file has them all."""
    return None if table.spans_datasets else DATASETS


def check_spec(
    asset: str,
    name: str,
    description: str,
    *,
    blocking: bool = True,
    partitions: dg.PartitionsDefinition[str] | None = DATASETS,
) -> dg.AssetCheckSpec:
    """A check that stops the run unless told otherwise, with a result for each dataset."""
    with warnings.catch_warnings():
        # partitioned checks are in preview; without them one dataset's result hides another's
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, description=description, blocking=blocking, partitions_def=partitions
        )


def check_specs(table: Table) -> list[dg.AssetCheckSpec]:
    """Dagster's view of a table's checks."""
    return [
        check_spec(
            table.name,
            check.name,
            f"{check.description} If not: {check.remedy}.",
            blocking=not check.warns,
            partitions=partitions_of(table),
        )
        for check in checks()[table.name]
    ]


def _result(check: Check, failing: pd.DataFrame, complaint: list[str]) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"failing rows": len(failing)}
    if len(failing):
        metadata["first failing rows"] = table_metadata(failing.head(SHOWN_ROWS))
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
    first = failing.iloc[0].to_dict()
    found = "1 failing row" if len(failing) == 1 else f"{len(failing):,} failing rows, the first"
    return [f"{check.name}: {check.description} Found {found}: {first}; {check.remedy}"]
