"""The asset `source_file`, where lineage begins: no run makes it, and those that read it show it.

A check asks whether the file can be had. Where it cannot, the run that wanted it ends as canceled:
of a run that fails, Dagster shows every asset and every check as failed that it had planned.
"""

from collections.abc import Mapping
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
    """Make the check whether a dataset's file can be had; it downloads nothing."""
    description = (
        "The file is there, or its server has it. If not: download it by hand into `data/raw`, or"
        " correct `path` or `url` in datasets.toml."
    )

    @dg.multi_asset_check(
        name=FOUND,
        specs=[check_spec(SOURCE_FILE, FOUND, description, partitions, blocking=False)],
    )
    def found(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        dataset = load(paths.registry)[context.partition_key]
        reason = download.refusal(dataset, paths.registry.parent, paths.raw)
        return dg.AssetCheckResult(passed=reason is None, description=reason)

    return found


def report_found(context: dg.AssetExecutionContext, metadata: Mapping[str, Any]) -> None:
    """Show which source file a run reads."""
    context.log_event(
        dg.AssetObservation(SOURCE_FILE, partition=context.partition_key, metadata=metadata)
    )
    _evaluate(context, None)


def report_missing(context: dg.AssetExecutionContext, reason: str) -> None:
    """Show that the source file cannot be had, and have the run end as canceled when it fails."""
    _evaluate(context, reason)
    context.instance.report_run_canceling(context.run, f"there is nothing to read: {reason}")


def _evaluate(context: dg.AssetExecutionContext, reason: str | None) -> None:
    """Report the check for a run that does not execute it."""
    context.log_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(SOURCE_FILE),
            check_name=FOUND,
            passed=reason is None,
            metadata={},
            severity=dg.AssetCheckSeverity.ERROR,
            description=reason,
            partition=context.partition_key,
        )
    )
