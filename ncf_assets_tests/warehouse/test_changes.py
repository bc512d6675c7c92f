"""What differs between a table and its version before, on tables drawn by hand."""

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.warehouse.changes import (
    NOT_KEPT,
    ListChange,
    MetricChange,
    TableChange,
    changes,
    describe_lists,
)
from ncf_assets.warehouse.leaderboard_summary import summarize
from ncf_assets.warehouse.parquet import PROVENANCE_KEY
from ncf_assets.warehouse.warehouse import Warehouse

MINUTES = iter(range(10_000))


def publish(
    place: Warehouse, table: str, rows: dict[str, Any], at: str = "", inputs: Sequence[str] = ()
) -> str:
    """Publish rows as runs do, one minute after what was published before; return the time."""
    at = at or f"2026-01-01T00:{next(MINUTES):05}"
    hashes = {name: place.get_provenance(name, "A").content_hash for name in inputs}
    with place.stage_table(table, "A") as staged:
        staged.write([pa.RecordBatch.from_pydict(rows)])
        staged.seal(code_version="c", input_hashes=hashes, config={}, run_id=at, written_at=at)
        place.publish_tables([staged], "A")
    return at


def publish_ids(place: Warehouse, users: list[str], items: list[str]) -> None:
    """Publish the numbers of users and items, in this order."""
    for table, ids in (("users", users), ("items", items)):
        name = table[:-1]
        numbers = {name: list(range(len(ids))), f"{name}_id": ids}
        publish(place, table, numbers | {"n_interactions": [1] * len(ids)})


def popularity(place: Warehouse, scores: dict[int, float], at: str = "") -> str:
    """Publish the scores of items, by number."""
    rows = {"model": ["popularity"] * len(scores), "item": [*scores], "score": [*scores.values()]}
    return publish(place, "popularity_scores", rows, at, ["items"])


def change_of(place: Warehouse, table: str) -> TableChange:
    """Return the change of one table."""
    return next(change for change in changes(place, "A").tables if change.table == table)


def test_rows_are_compared_by_the_ids_behind_their_numbers(tmp_path: Path) -> None:
    """A new item comes first and moves all numbers: by number, each row would have changed.

    Of b and c, c has another score; d is gone; a is new.
    """
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b", "c", "d"])
    before = popularity(place, {0: 5.0, 1: 4.0, 2: 1.0})
    publish_ids(place, ["ann"], ["a", "b", "c"])
    made = popularity(place, {0: 9.0, 1: 5.0, 2: 3.0})
    expected = TableChange("popularity_scores", made, 3, before, 3, added=1, removed=1, changed=1)
    assert change_of(place, "popularity_scores") == expected
    items = change_of(place, "items")
    assert (items.added, items.removed, items.changed) == (1, 1, 0)  # a number is no value
    assert change_of(place, "users").is_same


def test_equal_numbers_of_other_items_are_a_change(tmp_path: Path) -> None:
    """The file of the scores is the same to the byte, but its item 0 is another one."""
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b"])
    popularity(place, {0: 5.0})
    publish_ids(place, ["ann"], ["c"])
    popularity(place, {0: 5.0})
    found = change_of(place, "popularity_scores")
    assert (found.added, found.removed, found.changed) == (1, 1, 0)


def test_a_table_that_was_made_once_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """Nor has one whose users or items of that time are gone."""
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b"])
    popularity(place, {0: 5.0})
    found = change_of(place, "popularity_scores")
    assert (found.made_before, found.added, found.note) == (None, None, "made once")
    for other in ("c", "d"):
        publish_ids(place, ["ann"], [other])
    popularity(place, {0: 4.0})
    found = change_of(place, "popularity_scores")
    assert (found.added, found.note, found.is_same) == (None, NOT_KEPT, False)


def test_a_machine_whose_clock_is_behind_moves_no_row(tmp_path: Path) -> None:
    """A new item moved all numbers; then a machine that is years behind made the scores again."""
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b", "c"])
    publish_ids(place, ["ann"], ["a", "b"])
    popularity(place, {0: 9.0, 1: 5.0})
    popularity(place, {0: 9.0, 1: 5.0}, at="2020-01-01T00:00:00")
    assert change_of(place, "popularity_scores").is_same


def candidates(place: Warehouse, user: int, at: str = "") -> None:
    """Publish one user's list of one negative, made from negatives, and these from the ids."""
    row = {"user": [user], "position": [1], "item": [0]}
    publish(place, "negatives", row, at, ["users", "items"])
    publish(place, "test_candidates", row | {"rating": [0.0]}, at, ["negatives"])


def test_users_are_found_through_the_tables_between(tmp_path: Path) -> None:
    """Both are ann's, whose number is 1 once abe comes; the clock of the later one is behind."""
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b"])
    candidates(place, 0, at="2026-01-02T00:00:00")
    publish_ids(place, ["abe", "ann"], ["b"])
    candidates(place, 1, at="2026-01-01T00:00:00")
    assert change_of(place, "test_candidates").is_same


def test_equal_negatives_of_another_user_are_a_change(tmp_path: Path) -> None:
    """Both versions of the negatives have the same hash: the clock tells which users they have."""
    place = Warehouse(tmp_path)
    for user in ("ann", "bob"):
        publish_ids(place, [user], ["b"])
        candidates(place, 0)
    found = change_of(place, "test_candidates")
    assert (found.added, found.removed, found.changed) == (1, 1, 0)


def test_the_current_version_is_not_its_own_version_before(tmp_path: Path) -> None:
    """A run was killed after it had kept the current file, before it published the next."""
    place = Warehouse(tmp_path, table_versions=3)
    publish_ids(place, ["ann"], ["b"])
    before = popularity(place, {0: 5.0})
    made = popularity(place, {0: 4.0})
    folder = place.paths.previous("popularity_scores", "A")
    (folder / "2.parquet").hardlink_to(place.paths.file("popularity_scores", "A"))
    found = change_of(place, "popularity_scores")
    assert (found.made, found.made_before, found.changed) == (made, before, 1)


def test_columns_of_another_version_are_named(tmp_path: Path) -> None:
    """The columns that both have are compared."""
    place = Warehouse(tmp_path)
    publish_ids(place, ["ann"], ["b", "c"])
    popularity(place, {0: 5.0, 1: 4.0})
    popularity(place, {0: 5.0, 1: 3.0})
    (before,) = place.previous_versions("popularity_scores", "A")
    footer = {PROVENANCE_KEY: pq.read_metadata(before).metadata[PROVENANCE_KEY.encode()]}
    table = pq.read_table(before)
    wider = table.append_column("extra", table["score"]).replace_schema_metadata(footer)
    pq.write_table(wider, before)
    found = change_of(place, "popularity_scores")
    assert (found.changed, found.note) == (1, "columns gone: extra")


METRIC = {
    "protocol": "full",
    "segment": "all",
    "n_users": 40,
    "n_seeds": 1,
    "seed_deviation": None,
}
INTERVALS = ("ci_low", "ci_high")


def metrics(*rows: tuple[str, str, int, float, float, float]) -> dict[str, Any]:
    """Return rows of `metrics` for all users, from model, metric, k, value and interval."""
    names = ("model", "metric", "k", "value", *INTERVALS)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return columns | {name: [value] * len(rows) for name, value in METRIC.items()}


def test_figures_are_set_beside_what_they_were(tmp_path: Path) -> None:
    """At the length that is nearest to 10; a model that is new was nothing before."""
    place = Warehouse(tmp_path)
    publish(place, "metrics", metrics(("ease", "ndcg", 10, 0.2, 0.1, 0.3)))
    publish(
        place,
        "metrics",
        metrics(
            ("ease", "ndcg", 10, 0.25, 0.15, 0.35),
            ("ease", "ndcg", 20, 0.9, 0.8, 1.0),
            ("neumf", "ndcg", 10, 0.3, 0.2, 0.4),
        ),
    )
    assert changes(place, "A").metrics == [
        MetricChange("neumf", "full", "ndcg", 10, 0.3, 0.2, 0.4, None, None, None),
        MetricChange("ease", "full", "ndcg", 10, 0.25, 0.15, 0.35, 0.2, 0.1, 0.3),
    ]


@pytest.mark.parametrize("lengths", [(5, 10, 20), (5, 15), (15, 5), (50, 20)])
def test_the_headline_is_of_the_same_k_everywhere(tmp_path: Path, lengths: list[int]) -> None:
    """`diff`, the view over all datasets and Python choose it, each by itself.

    EASE's figure is its k, and so many times popularity's.
    """
    place = Warehouse(tmp_path)
    values = [
        (model, k, k if model == "ease" else 1) for model in ("ease", "popularity") for k in lengths
    ]
    figures = metrics(*((model, "ndcg", k, value, value, value) for model, k, value in values))
    publish(place, "metrics", figures)
    publish(place, "metrics", figures)
    leaderboard = pd.DataFrame(figures | {"dataset": "A", "verdict": None})
    summary = summarize(leaderboard).set_index("model")["times_popularity"]
    k = headline_k(lengths)
    assert {figure.k for figure in changes(place, "A").metrics} == {k}
    assert summary.to_dict() == pytest.approx({"ease": k, "popularity": 1})


def lists(**items: str) -> dict[str, Any]:
    """Return rows of `recommendations`: of each user one letter an item, the best first."""
    rows = [(user, n, item) for user, one in items.items() for n, item in enumerate(one, 1)]
    users, positions, of = map(list, zip(*rows, strict=True))
    n = len(rows)
    columns = {"user_id": users, "position": positions, "item_id": of}
    return columns | {"score": [1.0] * n, "reason": ["neumf"] * n}


def test_lists_are_compared_user_by_user(tmp_path: Path) -> None:
    """The user whose list is newest comes first; who is new, or gone, is not counted."""
    place = Warehouse(tmp_path)
    publish(place, "recommendations", lists(ann="abcd", bob="abcd", eve="abcd", gone="ab"))
    publish(place, "recommendations", lists(ann="abcd", bob="axyb", eve="bacd", new="ab"))
    found = changes(place, "A").lists
    assert list(map(astuple, found)) == [
        ("bob", 4, 2, 2, 1),  # b has moved; x and y are new; c and d are gone
        ("ann", 4, 0, 0, 0),
        ("eve", 4, 0, 0, 2),
    ]
    assert describe_lists(found) == (
        "of 3 users' lists 1 are the same as before, and 1 have the same items in another order;"
        " on average 16.7% of a list is new"  # 2/4 of one of three
    )


def test_a_shorter_list_is_not_the_same() -> None:
    """Nothing of it is new."""
    assert "0 are the same as before, and 0 have" in describe_lists([ListChange("a", 3, 0, 1, 0)])
