"""The leaderboard: all datasets that have a report, in one table. It is not partitioned.

It takes what is there when it runs, so a dataset that is missing or failed does not hold it up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ncf_assets.datasets import load
from ncf_assets.orchestration.metadata import inline_plot, table_metadata
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables
from ncf_assets.tables import tables
from ncf_assets.warehouse.leaderboard_summary import summarize
from ncf_assets.warehouse.lineage import find_inconsistencies
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

# chosen: the UI shows an older one as stale; set it to how often your data comes
A_MONTH = timedelta(days=30)
# not `eager()`, which waits until every dataset is materialized
WHEN_ANY_REPORT_IS_NEW = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.in_progress()
)
CURRENT, OUT_OF_DATE, MISSING = "current", "out of date", "missing"
FIGURES = ("metrics", "comparisons")


@python_tables(
    {"leaderboard": "evaluate"},
    reads=[*FIGURES, "evaluation_report"],
    kind="sql",
    automation_condition=WHEN_ANY_REPORT_IS_NEW,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=A_MONTH),
)
def leaderboard(run: AssetRun, _: NoConfig) -> None:
    """Put the figures of every dataset that has a report into one table."""
    found = report_statuses(run.warehouse)
    rows = [
        batch
        for status in found
        if status.report
        for batch in _rows(run.warehouse, status, status.report)
    ]
    run.write("leaderboard", rows)
    run.input_hashes = {f"report of {s.dataset}": s.report.content_hash for s in found if s.report}
    if report_statuses(run.warehouse) != found:
        raise dg.Failure(
            "a dataset changed while its figures were being read, by another run. Nothing"
            " was published. Run this asset again."
        )
    run.extra_metadata |= _statuses(found) | _summary(rows)


@dataclass(frozen=True)
class ReportStatus:
    """One dataset: its report's provenance if it can be read, and why it is not current, if so."""

    dataset: str
    state: str
    report: Provenance | None = None
    reason: str = ""


def report_statuses(warehouse: Warehouse) -> list[ReportStatus]:
    """Return the status of each dataset of the registry, in the order of their names.

    One whose figures have the columns of another version counts as missing.
    """
    return [
        _report_status(warehouse, dataset) for dataset in sorted(load(warehouse.paths.registry))
    ]


def _report_status(warehouse: Warehouse, dataset: str) -> ReportStatus:
    try:
        report = warehouse.find_provenance("evaluation_report", dataset)
        figures = [warehouse.find_provenance(table, dataset) for table in FIGURES]
        broken = find_inconsistencies(warehouse, ["evaluation_report"], dataset)
        if report is None or None in figures:
            return ReportStatus(dataset, MISSING)
        if not all(warehouse.schema_matches(table, dataset) for table in FIGURES):
            return ReportStatus(dataset, MISSING, reason="; ".join(broken))
    except DamagedError as error:
        return ReportStatus(dataset, MISSING, reason=str(error))
    return ReportStatus(dataset, OUT_OF_DATE if broken else CURRENT, report, "; ".join(broken))


def _rows(
    warehouse: Warehouse, status: ReportStatus, report: Provenance
) -> Iterator[pa.RecordBatch]:
    parameters = {
        "dataset": status.dataset,
        "report": warehouse.page(status.dataset).relative_to(warehouse.root).as_posix(),
        "report_content": report.content_hash,
        "state": status.state,
    }
    files = {table: warehouse.paths.file(table, status.dataset) for table in FIGURES}
    return warehouse.query(ALL_DATASETS, files, str(tables()["leaderboard"].select), parameters)


def _summary(rows: list[pa.RecordBatch]) -> dict[str, Any]:
    """Return the models side by side over all datasets, as a table and as a plot of their ranks."""
    from ncf_assets.report.ranks_plot import ranks_plot

    if not rows:
        return {}
    summary = summarize(pa.Table.from_batches(rows).to_pandas())
    ranks = {
        model: [int(rank) for rank in of_datasets.split()]
        for model, of_datasets in zip(summary["model"], summary["ranks"], strict=True)
    }
    return {
        "models over all datasets": table_metadata(summary.round(2)),
        "ranks": inline_plot("ranks", ranks_plot(ranks).png()),
    }


def _statuses(found: list[ReportStatus]) -> dict[str, Any]:
    """Return the datasets in each state, and why each is not current."""
    by_state = {
        state: ", ".join(s.dataset for s in found if s.state == state) or "none"
        for state in (CURRENT, OUT_OF_DATE, MISSING)
    }
    reasons = {f"{s.dataset} is {s.state}": s.reason for s in found if s.reason}
    return {**by_state, **reasons}
