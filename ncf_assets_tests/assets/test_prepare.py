"""The filters through the assets: what is left, and what the tables say of it."""

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from ncf_assets.assets.prepare import numbered
from ncf_assets.datasets import load
from ncf_assets.orchestration.staleness import details_change
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.ingest.server import serving
from ncf_assets_tests.running import PREPARED, failure, materialize

pytestmark = pytest.mark.process

# user, item, rating, day of May 2014: worked by hand in the tests
LINES = """\
ann,cap,5,1
ann,hat,4,2
ann,tie,2,3
ben,cap,4,1
ben,hat,5,2
ben,bag,5,3
eve,bag,5,4
eve,cap,1,1
eve,cap,3,9
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A data folder whose Sample has the lines above."""
    lines = [line.rsplit(",", 1) for line in LINES.splitlines()]
    (tmp_path / "r.csv").write_text("".join(f"{row},2014-05-0{day}\n" for row, day in lines))
    (tmp_path / "datasets.toml").write_text(
        '[Sample]\nformat = "table"\npath = "r.csv"\n'
        'columns = ["user", "item", "rating", "timestamp"]\n'
    )
    return Warehouse(tmp_path)


def run(
    warehouse: Warehouse, instance: dg.DagsterInstance, **settings: Any
) -> dg.ExecuteInProcessResult:
    """The tables up to interactions, with these settings of latest_reviews."""
    config = {"ops": {"latest_reviews": {"config": settings}}}
    return materialize(warehouse, instance, PREPARED, config)


def kept(warehouse: Warehouse) -> set[tuple[str, str]]:
    """The pairs that the interactions have, by the ids of their users and items."""
    users, items, found = (
        warehouse.read(table, "Sample") for table in ("users", "items", "interactions")
    )
    rows = found.merge(users, on="user").merge(items, on="item")
    return set(zip(rows["user_id"], rows["item_id"], strict=True))


def filters(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """The rows of the table filters."""
    return list(warehouse.read("filters", "Sample").itertuples(index=False, name=None))


def test_without_settings_every_pair_stays(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Of eve's two reviews of cap the later one; nothing else goes."""
    assert run(warehouse, instance).success
    assert len(kept(warehouse)) == 8
    assert filters(warehouse) == []


def test_each_filter_says_what_it_took(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """By hand.

    Until 4 May, eve's cap has rating 1. At least 3: tie (2) goes with its only pair, and eve's cap.
    Then each user and item needs 2: eve has bag alone and goes, so bag has ben alone and goes.
    """
    settings = {"last_day": "2014-05-04", "min_rating": 3.0}
    core = {"min_user_interactions": 2, "min_item_interactions": 2}
    assert run(warehouse, instance, **settings, **core).success
    assert kept(warehouse) == {("ann", "cap"), ("ann", "hat"), ("ben", "cap"), ("ben", "hat")}
    assert filters(warehouse) == [
        (1, "last_day 2014-05-04", 0, 0, 0),
        (2, "min_rating 3.0", 2, 0, 1),
        (3, "min_user_interactions 2, min_item_interactions 2", 2, 1, 1),
    ]
    assert warehouse.get_provenance("latest_reviews", "Sample").config["min_rating"] == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"min_user_interactions": 9},
            "the filters min_user_interactions 9, min_item_interactions 1 leave none of 8 pairs of"
            " user and item. Set wider ones in the configuration of `latest_reviews`.",
        ),
    ],
)
def test_filters_that_leave_nothing_are_refused(
    warehouse: Warehouse, instance: dg.DagsterInstance, settings: dict[str, Any], message: str
) -> None:
    """The message names them, and the remedy."""
    assert message in failure(run(warehouse, instance, **settings), "latest_reviews")


def test_ids_of_more_than_two_gib_are_numbered() -> None:
    """21 blocks of 1,100 ids of 100,000 bytes, which are the same in memory, and one block more."""
    block = pa.array(["x" * 100_000] * 1_100)
    numbers = numbered(pa.chunked_array([pa.array(["a", "b"])] + [block] * 21 + [pa.array(["b"])]))
    assert numbers[[0, 1, 2, -2, -1]].tolist() == [0, 1, 2, 2, 1]
    assert len(numbers) == 2 + 21 * 1_100 + 1


def test_items_have_the_details_of_the_registry_s_file(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """The bag is described and the sock unknown; what becomes of the file is told by `status`.

    A file that is not there costs the titles alone, which a warning says with the remedy.
    """
    made = [*PREPARED, "item_details"]
    assert materialize(warehouse, instance, made, {}).success
    assert warehouse.read("item_details", "Sample").empty
    assert details_status(warehouse) is None
    registry, meta = warehouse.paths.registry, warehouse.root / "meta.json"
    registry.write_text(registry.read_text() + 'details = "meta.json"\n')
    result = materialize(warehouse, instance, ["item_details"], {})
    assert result.success
    assert warned(result) == (
        f"items have no titles: {meta} does not exist. Put the file there, or correct `details` of"
        " [Sample] in datasets.toml. Then run `ncf-assets materialize Sample --select"
        " item_details+`."
    )
    assert details_status(warehouse) is None
    meta.write_text('{"asin": "sock", "title": "A"}\n{"asin": "bag", "title": "A tote bag"}\n')
    assert details_status(warehouse) == "the file of details has changed"
    result = materialize(warehouse, instance, ["item_details"], {})
    assert result.success
    assert warned(result) is None
    found = warehouse.read("item_details", "Sample")
    assert list(zip(found["item_id"], found["title"], strict=True)) == [("bag", "A tote bag")]
    assert details_status(warehouse) is None
    meta.write_text('{"asin": "bag", "title": "A tote bag."}\n')
    assert details_status(warehouse) == "the file of details has changed"
    registry.write_text(registry.read_text().replace('details = "meta.json"\n', ""))
    assert details_status(warehouse) == "its entry in datasets.toml has changed"


def test_details_may_have_an_address(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """They are downloaded once, and again from another address, which `status` tells."""
    assert materialize(warehouse, instance, PREPARED, {}).success
    registry = warehouse.paths.registry.read_text()

    def titles(address: str) -> list[str]:
        warehouse.paths.registry.write_text(f'{registry}details = "{address}"\n')
        assert materialize(warehouse, instance, ["item_details"], {}).success
        assert details_status(warehouse) is None
        return list(warehouse.read("item_details", "Sample")["title"])

    with serving() as server:
        server.body = b'{"asin": "bag", "title": "A tote bag"}\n'
        first = f"{server.address}/old/meta.json"
        assert titles(first) == titles(first) == ["A tote bag"]
        assert [request["path"] for request in server.requests] == ["/old/meta.json"]
        server.body = b'{"asin": "bag", "title": "A bag"}\n'
        other = first.replace("old", "new")
        warehouse.paths.registry.write_text(f'{registry}details = "{other}"\n')
        assert details_status(warehouse) == "its entry in datasets.toml has changed"
        assert titles(other) == ["A bag"]
        server.behaviour = [404]
        missing = f"{server.address}/no/meta.json"
        warehouse.paths.registry.write_text(f'{registry}details = "{missing}"\n')
        result = materialize(warehouse, instance, ["item_details"], {})
        assert result.success
        assert f"{missing}: HTTP status 404. Correct `details` of [Sample] in" in str(
            warned(result)
        )
        assert warehouse.read("item_details", "Sample").empty
        assert details_status(warehouse) is None


def warned(result: dg.ExecuteInProcessResult) -> str | None:
    """What a run has said of a missing file of details."""
    [found] = [
        each
        for each in result.get_asset_check_evaluations()
        if each.check_name == "item_details_file_found"
    ]
    return found.description


def details_status(warehouse: Warehouse) -> str | None:
    """What `status` says of the file of details."""
    dataset = load(warehouse.paths.registry)["Sample"]
    provenance = warehouse.get_provenance("item_details", "Sample")
    return details_change(warehouse, dataset, provenance)
