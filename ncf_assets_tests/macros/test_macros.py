"""The table macros, in the catalogue and in an exported file."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ncf_assets import macros
from ncf_assets.warehouse.warehouse import Warehouse

RECOMMENDED = {
    "user_id": ["07", "7", "ann", "ann", "o'neil"],
    "position": [1, 1, 1, 2, 1],
    "item_id": ["tie", "cap", "cap", "hat", "hat"],
    "score": [1.0, 1.0, 1.5, 0.5, 0.2],
    "reason": ["neumf"] * 5,
}
POPULAR = {"position": [1, 2], "item_id": ["tie", "cap"], "score": [9.0, 4.0]}
SIMILAR = {
    "item_id": ["7", "cap", "cap", "hat"],
    "position": [1, 1, 2, 1],
    "similar_item_id": ["07", "hat", "tie", "cap"],
    "similarity": [0.5, 0.9, 0.1, 0.9],
}
TABLES = {"recommendations": RECOMMENDED, "popular_items": POPULAR, "item_similarities": SIMILAR}


@pytest.fixture(scope="module", params=["catalogue", "export"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database of two datasets, with views or with real tables."""
    folder = tmp_path_factory.mktemp("macros")
    made = Warehouse(folder / "data")
    for dataset in ("A", "Books"):
        for table, rows in TABLES.items():
            write(made, dataset, table, rows)
    if request.param == "catalogue":
        return made.paths.database
    made.export(folder / "out.duckdb")
    return folder / "out.duckdb"


def write(warehouse: Warehouse, dataset: str, table: str, rows: dict[str, list]) -> None:
    """Publish rows with a simple provenance."""
    with warehouse.stage_table(table, dataset) as staged:
        staged.write([pa.RecordBatch.from_pydict(rows)])
        staged.seal(code_version="c", input_hashes={}, config={}, run_id="r")
        staged.publish()
    warehouse.refresh_catalogue()


def ask(database: Path, query: str, *values: Any) -> list:
    """Return the answer to a query, whose values are prepared parameters."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


def test_a_user_is_shown_their_list(database: Path) -> None:
    """It is that of one dataset, the best item first."""
    query = "select * from recommend('A', 'ann')"
    assert ask(database, query) == [(1, "cap", 1.5, "neumf"), (2, "hat", 0.5, "neumf")]


def test_an_unknown_user_is_shown_popular_items(database: Path) -> None:
    """The column `reason` says so."""
    query = "from recommend('Books', 'nobody')"
    assert ask(database, query) == [(1, "tie", 9.0, "popular"), (2, "cap", 4.0, "popular")]


@pytest.mark.parametrize("query", ["recommend(?, 'ann')", "similar_items(?, 'cap')"])
@pytest.mark.parametrize("asked", ["Book", "books_and_more", 12])
def test_an_unknown_dataset_is_an_error_that_names_the_nearest(
    database: Path, query: str, asked: str | int
) -> None:
    """Of A and Books it is the one that shares most, from the beginning of the name on."""
    nearest = "A" if asked == 12 else "Books"
    expected = f"there is no dataset '{asked}' here. Ask for '{nearest}', whose name is nearest"
    with pytest.raises(duckdb.Error, match=re.escape(expected)):
        ask(database, f"from {query}", asked)


def test_ids_that_are_numbers_may_be_typed_as_numbers(database: Path) -> None:
    """And 7 is not 07."""
    assert ask(database, "select item_id from recommend('A', 7)") == [("cap",)]
    assert ask(database, "select item_id from recommend('A', '07')") == [("tie",)]
    assert ask(database, "from similar_items('A', 7)") == [(1, "07", 0.5)]


def test_many_users_are_asked_for_at_once(database: Path) -> None:
    """Their ids may come from another table."""
    query = """
        select asked.id, count(*), min(shown.reason)
        from (values ('ann'), ('nobody')) as asked(id), recommend('A', asked.id) as shown
        group by all order by all
    """
    assert ask(database, query) == [("ann", 2, "neumf"), ("nobody", 2, "popular")]


def test_ids_are_values_not_text_of_the_query(database: Path) -> None:
    """An id with a quote is a prepared parameter."""
    assert ask(database, "from recommend(?, ?)", "A", "o'neil") == [(1, "hat", 0.2, "neumf")]


def test_similar_items_are_in_order_and_an_unknown_item_has_none(database: Path) -> None:
    """The item asked for is not among them."""
    assert ask(database, "from similar_items('A', 'cap')") == [(1, "hat", 0.9), (2, "tie", 0.1)]
    assert ask(database, "from similar_items('A', 'sock')") == []


def test_a_macro_says_what_it_is_for(database: Path) -> None:
    """The catalogue has its parameters and a comment."""
    query = "select function_name, parameters, comment from duckdb_functions() where not internal"
    found = {name: (parameters, comment) for name, parameters, comment in ask(database, query)}
    assert {name: parameters for name, (parameters, _) in found.items()} == {
        "is_dataset": ["the_dataset"],
        "recommend": ["the_dataset", "the_user_id"],
        "similar_items": ["the_dataset", "the_item_id"],
    }
    assert found["recommend"][1].startswith("This macro lists the items to show a user next")


def test_a_macro_needs_its_tables(tmp_path: Path) -> None:
    """Without recommendations there is no `recommend`, and the catalogue can be opened anyway."""
    made = Warehouse(tmp_path)
    write(made, "A", "item_similarities", SIMILAR)
    write(made, "A", "popular_items", POPULAR)
    query = "select function_name from duckdb_functions() where not internal order by all"
    assert ask(made.paths.database, query) == [("is_dataset",), ("similar_items",)]
    write(made, "A", "recommendations", RECOMMENDED)
    found = ask(made.paths.database, query)
    assert found == [("is_dataset",), ("recommend",), ("similar_items",)]


def test_a_macro_without_parameters_is_refused() -> None:
    """The error names the file and the missing field."""
    with pytest.raises(ValueError, match=r"macros/x.sql: the header lacks parameters"):
        macros.parse("x", "-- Something.\nselect 1")
