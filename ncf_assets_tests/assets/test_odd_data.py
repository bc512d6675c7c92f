"""Small and odd data through the whole graph: a right result, or an error that says what to do."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import SPLIT, failure, materialize
from ncf_assets_tests.tiny import DAY, START, review

pytestmark = pytest.mark.process

SMALL = {"epochs": 1, "batch_size": 4096}
TABLES = [*SPLIT, "negatives", "test_candidates", "popularity_scores"]
to_the_end_as_well = pytest.mark.parametrize(
    "selection",
    [
        pytest.param(TABLES, id="tables"),
        pytest.param(None, id="everything", marks=pytest.mark.acceptance),
    ],
)


def config(candidates: int) -> dict[str, Any]:
    """One epoch of tiny networks."""
    return {
        "ops": {
            "negatives": {"config": {"n_negatives": candidates}},
            "ials_model": {"config": {"factors": 2, "iterations": 2}},
            "itemknn_model": {"config": {"neighbors": [20], "shrinkage": [10]}},
            "gmf_model": {"config": SMALL},
            "mlp_model": {"config": {"layers": [32, 16], **SMALL}},
            "neumf_scratch_model": {"config": {"layers": [32, 16], **SMALL}},
            "neumf_model": {"config": {"factors": 8, "negatives": 64, **SMALL}},
        }
    }


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A data folder whose Sample is the file odd.json in it."""
    path = tmp_path / "datasets.toml"
    path.write_text('[Sample]\nformat = "amazon-2014"\npath = "odd.json"\n')
    return Warehouse(tmp_path)


def run(
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    reviews: list[dict[str, Any]],
    candidates: int | None = None,
    selection: list[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """All or some assets from these reviews, with 99 candidates unless told otherwise."""
    lines = "\n".join(json.dumps(line) for line in reviews)
    (warehouse.root / "odd.json").write_text(lines)
    settings = config(candidates) if candidates else {"ops": {}}
    if selection:
        known = {name: of for name, of in settings["ops"].items() if name in selection}
        settings = {"ops": known}
    return materialize(warehouse, instance, selection, settings)


def rows(warehouse: Warehouse, *tables: str) -> list[int]:
    """How many rows each table has."""
    return [warehouse.get_provenance(table, "Sample").rows for table in tables]


def stopped_before_training(warehouse: Warehouse) -> bool:
    """Whether no network was made."""
    return warehouse.find_provenance("gmf_model", "Sample") is None


def few(n_users: int, n_items: int, each: int, days: int = DAY) -> list[dict[str, Any]]:
    """Each user's reviews, one after the other, of items that go round."""
    return [
        review(f"u{u:03}", f"i{(u * each + j) % n_items:03}", START + j * days)
        for u in range(n_users)
        for j in range(each)
    ]


def test_no_user_with_3_reviews(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """There is nothing to test on: rule, finding and remedy, before any training."""
    result = run(warehouse, instance, few(30, 20, 2))
    message = failure(result, "validation")
    assert "validation_not_empty failed. Its rule: Something is held out to choose by" in message
    assert "use a larger file, or look at rejected_reviews" in message
    assert stopped_before_training(warehouse)


def test_duplicates_only(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """One pair 20 times is one interaction: the latest review stays, and the same error follows."""
    again = [review("u", "i", START + j) | {"overall": 1.0 + j % 5} for j in range(20)]
    result = run(warehouse, instance, again)
    assert rows(warehouse, "raw_reviews", "interactions", "users", "items") == [20, 1, 1, 1]
    (kept,) = warehouse.read("interactions", "Sample").to_dict("records")
    assert (kept["timestamp"].timestamp(), kept["rating"]) == (START + 19, 5.0)
    assert "Something is held out to choose by" in failure(result, "validation")


def test_duplicates_of_enough_pairs_change_nothing(
    warehouse: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Each line three times gives the same interactions and split as once."""
    tables = ("interactions", "train", "validation", "test")
    once = few(12, 20, 4)
    assert run(warehouse, instance, once * 3, selection=SPLIT).success
    other = Warehouse(tmp_path / "once")
    other.root.mkdir()
    (other.root / "datasets.toml").write_text(warehouse.paths.registry.read_text())
    assert run(other, instance, once, selection=SPLIT).success
    for table in tables:
        assert (
            warehouse.get_provenance(table, "Sample").content_hash
            == other.get_provenance(table, "Sample").content_hash
        )


def test_fewer_than_100_items(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """60 items: 56 are unseen by each user, and 99 asked; with 56 candidates all goes well."""
    data = few(30, 60, 4)
    message = failure(run(warehouse, instance, data, selection=TABLES), "negatives")
    assert (
        "30 users have fewer than 99 unseen items; user 0 has 56, which is the least. Lower"
        " `n_negatives` of `negatives` to 56 at most, or drop users with fewer."
    ) in message
    assert run(warehouse, instance, data, 56, TABLES).success
    assert rows(warehouse, "negatives", "test_candidates") == [30 * 56, 30 * 57]
    lists = warehouse.read("test_candidates", "Sample").groupby("user")["item"].nunique()
    assert set(lists) == {57}  # every unseen item and the held-out one


@to_the_end_as_well
def test_one_item_rated_by_all(
    warehouse: Warehouse, instance: dg.DagsterInstance, selection: list[str] | None
) -> None:
    """Everybody's first review is of one item: it is nobody's negative, and popularity's best."""
    data = few(30, 60, 4) + [review(f"u{u:03}", "all", START - DAY) for u in range(30)]
    assert run(warehouse, instance, data, 20, selection).success
    items = warehouse.read("items", "Sample").set_index("item_id")
    loved = int(items["item"]["all"])
    assert items["n_interactions"]["all"] == 30
    assert loved not in set(warehouse.read("negatives", "Sample")["item"])
    scores = warehouse.read("popularity_scores", "Sample").query("model == 'popularity'")
    assert scores.set_index("item")["score"].idxmax() == loved


def test_one_item_alone_that_all_rated(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """A catalogue of one: nobody has 3 interactions."""
    result = run(warehouse, instance, [review(f"u{u}", "all", START) for u in range(50)])
    assert rows(warehouse, "users", "items") == [50, 1]
    assert "Something is held out to choose by" in failure(result, "validation")


@to_the_end_as_well
def test_all_timestamps_equal(
    warehouse: Warehouse, instance: dg.DagsterInstance, selection: list[str] | None
) -> None:
    """Ties are broken by the seeded hash: not the first nor the last line is always held out."""
    data = few(60, 80, 5, days=0)
    assert run(warehouse, instance, data, 20, selection).success
    assert rows(warehouse, "train", "validation", "test") == [180, 60, 60]
    assert set(warehouse.read("interactions", "Sample")["rank"]) == {1}
    order = {(line["reviewerID"], line["asin"]): n % 5 for n, line in enumerate(data)}
    users = warehouse.read("users", "Sample")["user_id"]
    items = warehouse.read("items", "Sample")["item_id"]
    test = warehouse.read("test", "Sample")
    places = [order[users[u], items[i]] for u, i in zip(test["user"], test["item"], strict=True)]
    # 60 users at random among 5 places: about 12 each; 2 or fewer has a chance of 1 in 10,000
    assert all(places.count(place) >= 3 for place in range(5))


@to_the_end_as_well
def test_a_user_with_50_000_reviews(
    warehouse: Warehouse, instance: dg.DagsterInstance, selection: list[str] | None
) -> None:
    """Beside 20 ordinary users; everybody has 99 unseen items, and one test row."""
    heavy = [review("heavy", f"own{j:05}", START + j) for j in range(50_000)]
    others = few(20, 100, 5)  # of 100 other items
    assert run(warehouse, instance, heavy + others, 99, selection).success
    assert rows(warehouse, "interactions", "items", "test") == [50_100, 50_100, 21]
    users = warehouse.read("users", "Sample").set_index("user_id")
    assert users["n_interactions"]["heavy"] == 50_000
    test = warehouse.read("test", "Sample").set_index("user")
    assert test["rank"][users["user"]["heavy"]] == 50_000
    drawn = warehouse.read("negatives", "Sample")
    mine = drawn[drawn["user"] == users["user"]["heavy"]]
    assert mine["item"].nunique() == 99
