"""The asset `source_file`, where lineage begins: no run makes it, and those that read it show it.

A check asks whether the file can be had. Where it cannot, the run that wanted it ends as canceled:
of a run that fails, Dagster shows every asset and every check as failed that it had planned.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from ncf_assets.datasets import load
from ncf_assets.ingest import download
from ncf_assets.orchestration.partitions import OWNERS, Partitions, check_spec
from ncf_assets.orchestration.upstream import SOURCE_FILE
from ncf_assets.warehouse.paths import Paths

FOUND = "source_file_found"


def source_file(partitions: Partitions) -> dg.AssetSpec:
    """Declare what `raw_reviews` reads."""
    return dg.AssetSpec(
        SOURCE_FILE,
        description="The file, or the files, that `datasets.toml` names for a dataset by `path` or"
        " `url`. A run downloads it where it is not there.",
        group_name="ingest",
        kinds={"file"},
        owners=OWNERS,
        tags={"makes": "file"},
        partitions_def=partitions,
    )


def source_file_found(partitions: Partitions, paths: Paths) -> dg.AssetChecksDefinition:
    """Make the check whether a dataset's file can be had; it downloads nothing.

    Dagster's UI executes it without a partition: then it asks for all datasets.
    """
    description = (
        "The file is there, or its server has it. If not: download it by hand into `data/raw`, or"
        " correct `path` or `url` in datasets.toml."
    )

    @dg.multi_asset_check(
        name=FOUND,
        specs=[check_spec(SOURCE_FILE, FOUND, description, partitions, blocking=False)],
        can_subset=True,  # which allows that it gives results of partitions, and none of its own
    )
    def found(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        op, datasets = context.op_execution_context, load(paths.registry)
        asked = [datasets[op.partition_key]] if op.has_partition_key else list(datasets.values())
        reasons = download.refusals(asked, paths.registry.parent, paths.raw)
        for dataset, reason in zip(asked, reasons, strict=True):
            op.log_event(_evaluation(dataset.name, reason))  # type: ignore[arg-type]
        yield from ()

    return found


def report_found(context: dg.AssetExecutionContext, metadata: Mapping[str, Any]) -> None:
    """Show which source file a run reads."""
    context.log_event(
        dg.AssetObservation(SOURCE_FILE, partition=context.partition_key, metadata=metadata)
    )
    context.log_event(_evaluation(context.partition_key, None))


def report_missing(context: dg.AssetExecutionContext, reason: str) -> None:
    """Show that the source file cannot be had, and have the run end as canceled when it fails."""
    context.log_event(_evaluation(context.partition_key, reason))
    context.instance.report_run_canceling(context.run, f"there is nothing to read: {reason}")


def _evaluation(dataset: str, reason: str | None) -> dg.AssetCheckEvaluation:
    """Return the check's result: why the file cannot be had, or None."""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(SOURCE_FILE),
        check_name=FOUND,
        passed=reason is None,
        metadata={},
        severity=dg.AssetCheckSeverity.ERROR,
        description=reason,
        partition=dataset,
    )
