"""The table macros, in the catalogue and in an exported file."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ncf_assets import macros
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.served import DETAILS, POPULAR, RECOMMENDED, SIMILAR, write, write_all

# hat = 0.6 × 2/3 + 0.9 × 4/3 = 1.6, tie = 1.2 × 2/3 = 0.8
HAT, TIE = (1, "hat", pytest.approx(1.6), "ease"), (2, "tie", pytest.approx(0.8), "ease")


@pytest.fixture(scope="module", params=["catalogue", "export"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database of two datasets, with views or with real tables."""
    folder = tmp_path_factory.mktemp("macros")
    made = Warehouse(folder / "data")
    write_all(made, "A", "Books")
    if request.param == "catalogue":
        return made.paths.database
    made.export(folder / "out.duckdb")
    return folder / "out.duckdb"


def ask(database: Path, query: str, *values: Any) -> list:
    """Return the answer to a query, whose values are prepared parameters."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


def test_a_user_is_shown_their_list(database: Path) -> None:
    """It is that of one dataset, the best item first."""
    query = "select * exclude title from recommend('A', 'ann')"
    assert ask(database, query) == [(1, "cap", 1.5, "neumf"), (2, "hat", 0.5, "neumf")]


def test_an_unknown_user_is_shown_popular_items(database: Path) -> None:
    """The column `reason` says so."""
    query = "select * exclude title from recommend('Books', 'nobody')"
    assert ask(database, query) == [(1, "tie", 9.0, "popular"), (2, "cap", 4.0, "popular")]


@pytest.mark.parametrize(
    "query",
    [
        "recommend(?, 'ann')",
        "similar_items(?, 'cap')",
        "recommend_for(?, ['cap'])",
        "why(?, 'ann', 'cap')",
    ],
)
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
    assert ask(database, "select * exclude title from similar_items('A', 7)") == [(1, "07", 0.5)]


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
    assert ask(database, "select * exclude title from recommend(?, ?)", "A", "o'neil") == [
        (1, "hat", 0.2, "neumf")
    ]


def test_similar_items_are_in_order_and_an_unknown_item_has_none(database: Path) -> None:
    """The item asked for is not among them."""
    assert ask(database, "select * exclude title from similar_items('A', 'cap')") == [
        (1, "hat", 0.9),
        (2, "tie", 0.1),
    ]
    assert ask(database, "select * exclude title from similar_items('A', 'sock')") == []


def test_a_list_is_recommended_the_sums_of_its_weights(database: Path) -> None:
    """The latest item comes last; what is in the list is not recommended, as the cap by the bag."""
    assert ask(database, "select * exclude title from recommend_for('A', ['bag', 'cap'])") == [
        HAT,
        TIE,
    ]
    # the other way round: hat = 0.6 × 4/3 + 0.9 × 2/3 = 1.4, tie = 1.2 × 4/3 = 1.6
    found = ask(database, "select item_id, score from recommend_for('A', ['cap', 'bag'])")
    assert found == [("tie", pytest.approx(1.6)), ("hat", pytest.approx(1.4))]


def test_an_item_that_comes_twice_counts_at_its_last_place(database: Path) -> None:
    """The cap, the bag and the cap again are the bag and the cap; an empty value is no item."""
    assert ask(
        database, "select * exclude title from recommend_for('A', ['cap', null, 'bag', 'cap'])"
    ) == [HAT, TIE]


def test_unknown_items_of_a_list_are_named_and_do_not_count(database: Path) -> None:
    """Those between the known ones do not make these older either."""
    found = ask(
        database, "select * exclude title from recommend_for('A', ['bag', 'sock', 'cap', 'belt'])"
    )
    unknown = [(None, item, None, "unknown item") for item in ("belt", "sock")]
    assert found == [HAT, TIE, *unknown]


@pytest.mark.parametrize("items", [[], ["sock"], ["hat"]])
def test_a_list_that_speaks_for_nothing_is_shown_popular_items(
    database: Path, items: list[str]
) -> None:
    """It is empty, unknown, or of an item without weights."""
    found = ask(database, "select * exclude title from recommend_for('A', ?)", items)
    assert [row for row in found if row[0]] == [
        (1, "tie", 9.0, "popular"),
        (2, "cap", 4.0, "popular"),
    ]


def test_a_list_may_be_of_numbers(database: Path) -> None:
    """Item 7 speaks for the hat."""
    assert ask(database, "select * exclude title from recommend_for('A', [7])") == [
        (1, "hat", 0.25, "ease")
    ]
    assert ask(database, "select * exclude title from recommend_for('A', ['07'])")[-1][1:] == (
        "07",
        None,
        "unknown item",
    )


def test_many_lists_are_asked_for_at_once(database: Path) -> None:
    """They may come from another table; none weighs in another."""
    query = """
        select asked.items, shown.item_id, shown.score
        from (values (['7']), (['bag', 'cap'])) as asked(items),
          recommend_for('A', asked.items) as shown
        order by all
    """
    both = ["bag", "cap"]
    expected = [(["7"], "hat", 0.25), (both, "hat", HAT[2]), (both, "tie", TIE[2])]
    assert ask(database, query) == expected


def test_why_adds_up_to_the_score(database: Path) -> None:
    """Of the hat's 1.6 the cap gives 1.2, which is 3/4, and the bag 0.4."""
    expected = [
        (1, "cap", pytest.approx(1.2), pytest.approx(0.75), "ease"),
        (2, "bag", pytest.approx(0.4), pytest.approx(0.25), "ease"),
    ]
    assert (
        ask(database, "select * exclude title from why_for('A', ['bag', 'cap'], 'hat')") == expected
    )
    assert ask(database, "select * exclude title from why('A', 'ann', 'hat')") == expected
    assert (
        ask(database, "select * exclude title from why('A', 7, 'hat')") == []
    )  # a tie speaks for nothing
    assert ask(database, "select * exclude title from why('A', 'nobody', 'hat')") == []


def test_every_recommendation_can_be_explained_at_once(database: Path) -> None:
    """The recommended item is a column, as the user's id may be."""
    query = """
        select shown.item_id, reasons.item_id
        from recommend('A', 'ann') as shown, why('A', 'ann', shown.item_id) as reasons
        order by all
    """
    assert ask(database, query) == [("cap", "bag"), ("hat", "bag"), ("hat", "cap")]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("recommend('A', 'ann')", ["A flat cap", None]),
        ("recommend('A', 'nobody')", [None, "A flat cap"]),
        ("recommend_for('A', ['tie'])", ["A flat cap"]),
        ("similar_items('A', 'hat')", ["A flat cap"]),
        ("why('A', 'ann', 'hat')", ["A flat cap", None]),
    ],
)
def test_titles_are_shown_where_there_are_any(
    database: Path, query: str, titles: list[str | None]
) -> None:
    """The cap has one, and neither hat nor tie nor bag."""
    assert ask(database, f"select title from {query} order by position") == [(t,) for t in titles]


def test_a_macro_says_what_it_is_for(database: Path) -> None:
    """The catalogue has its parameters and a comment."""
    query = "select function_name, parameters, comment from duckdb_functions() where not internal"
    found = {name: (parameters, comment) for name, parameters, comment in ask(database, query)}
    assert {name: parameters for name, (parameters, _) in found.items()} == {
        "is_dataset": ["the_dataset"],
        "recommend": ["the_dataset", "the_user_id"],
        "recommend_for": ["the_dataset", "the_items"],
        "similar_items": ["the_dataset", "the_item_id"],
        "weigh_items": ["the_dataset", "the_items"],
        "why": ["the_dataset", "the_user_id", "the_item_id"],
        "why_for": ["the_dataset", "the_items", "the_item_id"],
    }
    assert found["recommend"][1].startswith("This macro lists the items to show a user next")


def test_a_macro_needs_its_tables(tmp_path: Path) -> None:
    """Without recommendations there is no `recommend`, and the catalogue can be opened anyway."""
    made = Warehouse(tmp_path)
    write(made, "A", "item_similarities", SIMILAR)
    for table, rows in (("popular_items", POPULAR), ("item_details", DETAILS)):
        write(made, "A", table, rows)
    query = "select function_name from duckdb_functions() where not internal order by all"
    assert ask(made.paths.database, query) == [("is_dataset",), ("similar_items",)]
    write(made, "A", "recommendations", RECOMMENDED)
    found = ask(made.paths.database, query)
    assert found == [("is_dataset",), ("recommend",), ("similar_items",)]


def test_a_macro_without_parameters_is_refused() -> None:
    """The error names the file and the missing field."""
    with pytest.raises(ValueError, match=r"macros/x.sql: the header lacks parameters"):
        macros.parse("x", "-- Something.\nselect 1")
