"""What a function under `python_tables` must do."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import failure

USERS = pd.DataFrame({"user": [0], "user_id": ["ann"], "n_interactions": [1]})
PARTITIONS = dg.StaticPartitionsDefinition(["Sample"])


@pytest.mark.parametrize(
    ("written", "missing"), [(["users"], "items"), ([], "users, items")], ids=["one", "none"]
)
def test_a_table_that_a_function_leaves_out_is_not_published_empty(
    tmp_path: Path, written: list[str], missing: str
) -> None:
    """Nor is any other of its tables; the message names what is missing."""

    @python_tables({"users": "prepare", "items": "prepare"}, reads=[])
    def both(run: AssetRun, _: Any) -> None:
        for table in written:
            run.write(table, USERS)

    warehouse = Warehouse(tmp_path)
    result = dg.materialize(
        [both.build(PARTITIONS, ())],
        partition_key="Sample",
        resources={"warehouse": warehouse},
        raise_on_error=False,
    )
    assert failure(result, "both").startswith(f"nothing was written to {missing}.")
    assert warehouse.find_provenance("users", "Sample") is None


def test_a_table_without_a_header_is_named() -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match=r"habits is not documented in tables/\. Write tables/"):
        python_tables({"users": "prepare", "habits": "prepare"}, reads=[])
