"""What a function under `tables_asset` may give."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ncf_assets.assets.table_asset import tables_asset
from ncf_assets.warehouse import Warehouse
from ncf_assets_tests.running import failure

USERS = pd.DataFrame({"user": [0], "user_id": ["ann"], "n_interactions": [1]})


@pytest.mark.parametrize(
    ("given", "named"), [({"users": USERS}, "users"), ({}, "nothing"), (USERS, "user, user_id, n_")]
)
def test_a_table_that_a_function_leaves_out_is_not_published_empty(
    tmp_path: Path, given: Any, named: str
) -> None:
    """Nor is any other of its tables; what it gave and should give is told."""

    @tables_asset({"users": "prepare", "items": "prepare"}, reads=[])
    def both(_: Any, __: Any) -> Mapping[str, Any]:
        return given

    warehouse = Warehouse(tmp_path)
    result = dg.materialize(
        [both],
        partition_key="Sample",
        resources={"warehouse": warehouse},
        raise_on_error=False,
    )
    expected = f"both makes users, items, and its function gave {named}"
    assert failure(result, "both").startswith(expected)
    assert warehouse.find_stamp("users", "Sample") is None


def test_a_table_without_a_header_is_named() -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match=r"neither makes habits, which tables/ does not document"):

        @tables_asset({"users": "prepare", "habits": "prepare"}, reads=[])
        def neither(_: Any, __: Any) -> Mapping[str, Any]:
            return {}
