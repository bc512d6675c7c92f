"""The leaderboard: all datasets that have a report, in one table. Not partitioned.

It takes what is there when it runs, so a dataset that is missing or failed does not hold it up.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import Run, check_specs
from ncf_assets.assets.standing import CURRENT, MISSING, OUT_OF_DATE, Standing, standings
from ncf_assets.assets.table_spec import table_spec
from ncf_assets.tables import tables
from ncf_assets.warehouse import EVERY, Stamp, Warehouse

TABLE = tables()["leaderboard"]
READS = ("metrics", "evaluation_report")
SPEC = table_spec(TABLE, "evaluate", READS, code_version(__name__, TABLE.text), "sql")
A_MONTH = timedelta(days=30)  # after which the UI shows it as stale; an example to copy
# not `eager()`, which waits until every dataset is materialized
WHEN_ANY_REPORT_IS_NEW = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.in_progress()
)


@dg.multi_asset(
    name=TABLE.name,
    specs=[
        SPEC.replace_attributes(
            automation_condition=WHEN_ANY_REPORT_IS_NEW,
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=A_MONTH),
        )
    ],
    check_specs=check_specs(TABLE),
)
def leaderboard(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[Any]:
    """Put the figures of every dataset that has a report into one table."""
    with told(context, warehouse, (TABLE.name,)):
        found = standings(warehouse)
        run = Run(context, warehouse, Inputs(warehouse, EVERY, ()), {})
        with warehouse.draft(TABLE.name, EVERY) as draft:
            for standing in found:
                if standing.report:
                    draft.write(_rows(warehouse, standing, standing.report))
            contents = {f"report of {s.dataset}": s.report.content for s in found if s.report}
            stamp = draft.finish(**run.origin(TABLE.name, contents))
            if standings(warehouse) != found:
                raise dg.Failure(
                    "a dataset changed while its figures were being read, by another run; nothing"
                    " was published, run this asset again"
                )
            yield from run.publish({draft: stamp}, _summary(found))


def _rows(warehouse: Warehouse, standing: Standing, report: Stamp) -> Iterator[pa.RecordBatch]:
    page = warehouse.file("evaluation_report", standing.dataset).with_name("report.html")
    parameters = {
        "dataset": standing.dataset,
        "report": page.relative_to(warehouse.root).as_posix(),
        "report_content": report.content,
        "state": standing.state,
    }
    metrics = {"metrics": warehouse.existing("metrics", standing.dataset)}
    return warehouse.rows(EVERY, metrics, str(TABLE.select), parameters)


def _summary(found: list[Standing]) -> dict[str, Any]:
    """Which datasets are in each state, and why those that are out of date are."""
    by_state = {
        state: ", ".join(s.dataset for s in found if s.state == state) or "none"
        for state in (CURRENT, OUT_OF_DATE, MISSING)
    }
    reasons = {f"{s.dataset} is {s.state}": s.reason for s in found if s.reason}
    return {**by_state, **reasons}
