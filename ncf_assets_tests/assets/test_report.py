"""What the page of the report in Dagster's UI says besides the report."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ncf_assets_tests.running import materialize
from ncf_assets_tests.tiny import ROWS, copied

pytestmark = pytest.mark.process
CONFIG = {"ops": {"evaluation": {"config": {"ks": [1, 2, 3]}}}}


def test_the_page_shows_what_the_run_changed(
    made: Path, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """A third length: its rows are new in two tables, and the others are as they were.

    Tables that this run did not make are not shown.
    """
    place = copied(made, tmp_path)
    assets = ["metrics", "comparisons", "seed_metrics", "evaluation_report"]
    (event,) = materialize(place, instance, assets, CONFIG).asset_materializations_for_node(
        "evaluation_report"
    )
    shown: Any = event.metadata
    changed = {row.data["table"]: row.data for row in shown["tables that changed"].records}
    assert set(changed) == {"metrics", "comparisons"}
    # all but auc, of 3 segments, 13 models and 2 protocols, is of one of two lengths
    new = (ROWS["metrics"] - 3 * 13 * 2) // 2
    metrics = changed["metrics"]
    assert (metrics["added"], metrics["removed"]) == (str(new), "0")
    assert (metrics["rows"], metrics["rows_before"]) == (
        str(ROWS["metrics"] + new),
        str(ROWS["metrics"]),
    )
    before = [row.data for row in shown["metrics before"].records]
    assert {(one["k"], one["value_before"]) for one in before} == {("3", "")}
