"""The view `catalogue`, which says what exists, what it means and how fresh it is."""

from pathlib import Path
from typing import Any

import pytest

from ncf_assets.tables import tables
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.warehouse.test_lineage import ITEMS, chain
from ncf_assets_tests.warehouse.test_warehouse import other_shell, query, write

LEADER = {
    "dataset": ["A"], "model": ["neumf"], "protocol": ["full"], "metric": ["hr"], "k": [10],
    "value": [0.5], "ci_low": [0.4], "ci_high": [0.6], "n_users": [9],
    "n_seeds": [1], "seed_deviation": [None],
    "difference": [None], "verdict": [None],
    "report": ["reports/dataset=A/report.html"], "report_content": ["0"], "state": ["out of date"],
}  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Make raw_reviews → items → gmf_model → evaluation_report of dataset A."""
    made = Warehouse(tmp_path / "it's [1] data*")
    chain(made)
    return made


def catalogue(warehouse: Warehouse, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of the view, in its own order."""
    return query(warehouse, f"select name, {columns} from catalogue")


def test_it_lists_tables_models_and_reports_with_their_rows(warehouse: Warehouse) -> None:
    """They are in the order of names. A report has no rows, and those of a model are parameters."""
    assert catalogue(warehouse, "kind, dataset, rows") == [
        ("evaluation_report", "report", "A", None),
        ("gmf_model", "model", "A", 7),
        ("items", "table", "A", 1),
        ("raw_reviews", "table", "A", 1),
    ]


def test_a_meaning_is_that_of_the_header(warehouse: Warehouse) -> None:
    """The meaning of items is that of items.sql; models and reports have a meaning, too."""
    meanings = dict(catalogue(warehouse, "meaning"))
    assert meanings["items"] == tables()["items"].description
    assert all(meanings.values())


def test_it_says_when_and_where_each_was_made(warehouse: Warehouse) -> None:
    """Times are UTC, as in the provenance."""
    found = {name: rest for name, *rest in catalogue(warehouse, "written_at, file")}
    written_at, file = found["items"]
    assert written_at.isoformat() + "+00:00" == warehouse.get_provenance("items", "A").written_at
    assert file == str(warehouse.paths.file("items", "A"))


def test_what_comes_from_something_replaced_is_not_fresh(warehouse: Warehouse) -> None:
    """Items are replaced by other rows: the model and, through it, the report are stale."""
    write(warehouse, "A", "items", ITEMS | {"item_id": ["c"]}, {})
    assert catalogue(warehouse, "fresh, replaced") == [
        ("evaluation_report", False, "items"),
        ("gmf_model", False, "items"),
        ("items", True, None),
        ("raw_reviews", True, None),
    ]


def test_a_table_of_all_datasets_has_a_row_for_each(warehouse: Warehouse) -> None:
    """The leaderboard has a column that says whether a dataset's report is current."""
    write(warehouse, ALL_DATASETS, "leaderboard", LEADER)
    found = [row for row in catalogue(warehouse, "dataset, rows, fresh") if "leader" in row[0]]
    assert found == [("leaderboard", "A", 1, False)]


def test_the_catalogue_documents_itself(warehouse: Warehouse) -> None:
    """The view and each of its columns have a comment; the duckdb shell, an older one, reads it."""
    uncommented = (
        "select * from duckdb_columns() where table_name = 'catalogue' and comment is null"
    )
    assert query(warehouse, uncommented) == []
    assert other_shell(warehouse, "select count(*) from catalogue") == ["4"]
