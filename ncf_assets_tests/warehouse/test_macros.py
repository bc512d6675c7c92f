"""The table macros of the catalogue and of an exported file."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ncf_assets.warehouse import Warehouse, macros

RECOMMENDED = {
    "user_id": ["ann", "ann", "o'neil"],
    "position": [1, 2, 1],
    "item_id": ["cap", "hat", "hat"],
    "score": [1.5, 0.5, 0.2],
    "reason": ["neumf"] * 3,
}
POPULAR = {"position": [1, 2], "item_id": ["tie", "cap"], "score": [9.0, 4.0]}
NEIGHBOURS = {
    "item_id": ["cap", "cap", "hat"],
    "position": [1, 2, 1],
    "similar_item_id": ["hat", "tie", "cap"],
    "similarity": [0.9, 0.1, 0.9],
}
TABLES = {"recommendations": RECOMMENDED, "popular_items": POPULAR, "item_neighbours": NEIGHBOURS}


@pytest.fixture(params=["catalogue", "export"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two datasets, in views or in real tables."""
    made = Warehouse(tmp_path / "data")
    for dataset in ("A", "B"):
        for table, rows in TABLES.items():
            write(made, dataset, table, rows)
    if request.param == "catalogue":
        return made.database
    made.export(tmp_path / "out.duckdb")
    return tmp_path / "out.duckdb"


def write(warehouse: Warehouse, dataset: str, table: str, rows: dict[str, list]) -> None:
    """Publish rows with a plain stamp."""
    with warehouse.draft(table, dataset) as draft:
        draft.write([pa.RecordBatch.from_pydict(rows)])
        draft.finish(code="c", inputs={}, config={}, run_id="r")
        draft.publish()
    warehouse.refresh_catalogue()


def ask(database: Path, query: str, *values: str) -> list:
    """What a query answers, its values as prepared parameters."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


def test_a_user_is_shown_their_list(database: Path) -> None:
    """Of one dataset, best first."""
    query = "select * from recommend('A', 'ann')"
    assert ask(database, query) == [(1, "cap", 1.5, "neumf"), (2, "hat", 0.5, "neumf")]


def test_a_stranger_is_shown_what_is_popular(database: Path) -> None:
    """And told so in `reason`."""
    query = "from recommend('B', 'nobody')"
    assert ask(database, query) == [(1, "tie", 9.0, "popular"), (2, "cap", 4.0, "popular")]


def test_an_unknown_dataset_has_nothing_to_show(database: Path) -> None:
    """Popular items are those of a dataset."""
    assert ask(database, "from recommend('C', 'ann')") == []
    assert ask(database, "from similar_items('C', 'cap')") == []


def test_many_users_are_asked_for_at_once(database: Path) -> None:
    """The id may come from another table."""
    query = """
        select asked.id, count(*), min(shown.reason)
        from (values ('ann'), ('nobody')) as asked(id), recommend('A', asked.id) as shown
        group by all order by all
    """
    assert ask(database, query) == [("ann", 2, "neumf"), ("nobody", 2, "popular")]


def test_ids_are_values_not_text_of_the_query(database: Path) -> None:
    """As prepared parameters, with a quote in them."""
    assert ask(database, "from recommend(?, ?)", "A", "o'neil") == [(1, "hat", 0.2, "neumf")]


def test_similar_items_stand_in_order_and_an_unknown_item_has_none(database: Path) -> None:
    """The item asked for is not repeated."""
    assert ask(database, "from similar_items('A', 'cap')") == [(1, "hat", 0.9), (2, "tie", 0.1)]
    assert ask(database, "from similar_items('A', 'sock')") == []


def test_a_macro_says_what_it_is_for(database: Path) -> None:
    """Its parameters and a comment stand in the catalogue."""
    query = "select function_name, parameters, comment from duckdb_functions() where not internal"
    found = {name: (parameters, comment) for name, parameters, comment in ask(database, query)}
    assert {name: parameters for name, (parameters, _) in found.items()} == {
        "recommend": ["the_dataset", "the_user_id"],
        "similar_items": ["the_dataset", "the_item_id"],
    }
    assert found["recommend"][1].startswith("What to show a user next")


def test_a_macro_waits_for_its_tables(tmp_path: Path) -> None:
    """Without recommendations there is no `recommend`, and the catalogue opens all the same."""
    made = Warehouse(tmp_path)
    write(made, "A", "item_neighbours", NEIGHBOURS)
    write(made, "A", "popular_items", POPULAR)
    query = "select function_name from duckdb_functions() where not internal order by all"
    assert ask(made.database, query) == [("similar_items",)]
    write(made, "A", "recommendations", RECOMMENDED)
    assert ask(made.database, query) == [("recommend",), ("similar_items",)]


def test_a_macro_without_parameters_is_refused() -> None:
    """The error names the file and what lacks."""
    with pytest.raises(ValueError, match=r"macros/x.sql: the header lacks parameters"):
        macros.parse("x", "-- Something.\nselect 1")
