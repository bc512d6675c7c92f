"""The columns that a column is made from, followed by hand through the selects."""

import dagster as dg
import pytest

from ncf_assets.tables import tables
from ncf_assets.tables.column_lineage import Source, column_lineage
from ncf_assets_tests.running import DEFS

GRAPH = DEFS.resolve_asset_graph()


def way_back(table: str, column: str) -> set[Source]:
    """Return all columns from which one comes, directly or through other tables."""
    found: set[Source] = set()
    for source in column_lineage(tables()[table]).get(column, []):
        found |= {source, *way_back(*source)}
    return found


def test_a_recommended_item_comes_from_the_lines_of_the_file() -> None:
    """It comes from `item_id` of raw_reviews by way of `latest_reviews` and `items`."""
    assert way_back("recommendations", "item_id") == {
        ("items", "item_id"),
        ("latest_reviews", "item_id"),
        ("raw_reviews", "item_id"),
    }


def test_a_select_is_followed_through_its_own_tables() -> None:
    """`interactions` ranks the reviews of its `with` by time, within the mapped user."""
    lineage = column_lineage(tables()["interactions"])
    assert lineage["rank"] == [("latest_reviews", "timestamp"), ("users", "user")]
    assert lineage["rating"] == [("latest_reviews", "rating")]


def test_a_metric_comes_from_ranks() -> None:
    """Its header says so, as Python makes the table."""
    value = column_lineage(tables()["metrics"])["value"]
    tables_ = ("seed_ranks", "test_ranks")
    assert value == [(table, column) for table in tables_ for column in ("n_better", "n_tied")]


def test_a_column_of_constants_comes_from_none() -> None:
    """`popularity_scores.model` is always 'popularity'."""
    assert "model" not in column_lineage(tables()["popularity_scores"])


@pytest.mark.parametrize("name", tables())
def test_every_column_comes_from_an_upstream_table(name: str) -> None:
    """The lineage of columns is part of the lineage of tables."""
    table, node = tables()[name], GRAPH.get(dg.AssetKey(name))
    lineage = column_lineage(table)
    upstream = {key.to_user_string() for key in GRAPH.get_ancestor_asset_keys(node.key)}
    assert {other for sources in lineage.values() for other, _ in sources} <= upstream
    assert lineage.keys() <= {column.name for column in table.columns}
