"""The row of figures on the data, from tables drawn by hand."""

from typing import Any

import pytest

from ncf_assets.tables import tables
from ncf_assets_tests.drawn import at, select

DAY = 86_400

DRAWN: dict[str, list[Any]] = {
    # 8 accepted lines for 7 pairs, and one that is rejected
    "raw_reviews": [(n, "", "", n / 2, 0) for n in range(1, 9)],
    "filters": [(1, "min_rating 4", 0, 2, 1), (2, "min_user_interactions 2", 0, 1, 3)],
    "rejected_reviews": [(9, "blank line", "")],
    "users": [(0, "ann", 3), (1, "ben", 3), (2, "new", 1)],
    "items": [(0, "cap", 2), (1, "hat", 2), (2, "tie", 2), (3, "bag", 1)],
    "interactions": [
        # user, item, rank, recency, rating, timestamp
        (0, 0, 1, 3, 5.0, 1 * DAY),  # ann: two items share her last time, over two days
        (0, 1, 2, 2, 5.0, 2 * DAY),
        (0, 2, 2, 1, 5.0, 2 * DAY),
        (1, 0, 1, 3, 5.0, 3 * DAY),  # ben: one day, but one item alone at its last second
        (1, 1, 2, 2, 5.0, 3 * DAY + 5),
        (1, 3, 3, 1, 5.0, 3 * DAY + 9),
        (2, 2, 1, 1, 5.0, 4 * DAY),  # new: not held out, so not among the shares
    ],
    "split_rule": [("leave_one_out", "last", None, None)],
    "train": [(0, 0, 1, 3, 5.0), (1, 0, 1, 3, 5.0), (2, 2, 1, 1, 5.0)],
    "validation": [(0, 1, 2, 2, 5.0), (1, 1, 2, 2, 5.0)],
    "test": [(0, 2, 2, 1, 5.0), (1, 3, 3, 1, 5.0)],  # tie is in train by new; bag is cold
}
EXPECTED = {
    "lines": 9,
    "rejected": 1,
    "duplicates": 1,
    "lowest_rating": 0.5,
    "highest_rating": 4.0,
    "distinct_ratings": 8,
    "filtered": 0,
    "filtered_users": 3,
    "filtered_items": 4,
    "users": 3,
    "items": 4,
    "interactions": 7,
    "density": 7 / 12,
    "interactions_per_user": 3.0,  # of 3, 3, 1
    "interactions_per_item": 2.0,  # of 2, 2, 2, 1
    "split": "leave_one_out",
    "targets": "last",
    "validation_from": None,
    "test_from": None,
    "train": 3,
    "validation": 2,
    "test": 2,
    "untested": 0,
    "test_users": 2,
    "new_test_users": 0,
    "cold_test": 1,
    "new_items": 1,  # bag
    # of 5 known, 3 are later than ann's test item of day 2, and 1 than ben's of day 3
    "later_known": (3 / 5 + 1 / 5) / 2,
    "tied_users": 0.5,
    "single_day_users": 0.5,
    "first_time": at(DAY),
    "last_time": at(4 * DAY),
}


def test_the_profile_is_what_a_count_by_hand_gives() -> None:
    """The comments on the drawn rows explain each column."""
    (row,) = select("data_profile", DRAWN)
    names = [column.name for column in tables()["data_profile"].columns]
    found = dict(zip(names, row, strict=True))
    for name, value in EXPECTED.items():
        assert found.pop(name) == (pytest.approx(value) if isinstance(value, float) else value)
    assert found == {}


def test_a_time_split_leaks_nothing_and_counts_who_is_new() -> None:
    """The cut is on day 3: ben is new, and of his three items the last alone is tested."""
    drawn = DRAWN | {
        "split_rule": [("time_split", "last", 2 * DAY, 3 * DAY)],
        "train": [(0, 0, 1, 3, 5.0)],
        "validation": [(0, 1, 2, 2, 5.0), (0, 2, 2, 1, 5.0)],
        "test": [(1, 3, 3, 1, 5.0), (2, 2, 1, 1, 5.0)],
    }
    (row,) = select("data_profile", drawn)
    names = [column.name for column in tables()["data_profile"].columns]
    found = dict(zip(names, row, strict=True))
    counts = {"train": 1, "validation": 2, "test": 2, "untested": 2, "test_users": 2}
    unknown = {"new_test_users": 2, "cold_test": 1, "new_items": 1, "later_known": 0.0}
    times = {"validation_from": at(2 * DAY), "test_from": at(3 * DAY)}
    assert {**counts, **unknown, **times}.items() <= found.items()


def test_an_item_of_validation_is_not_cold() -> None:
    """The models that are evaluated know it; with ben's bag in ann's validation, none is cold."""
    drawn = DRAWN | {"validation": [(0, 3, 2, 2, 5.0), (1, 1, 2, 2, 5.0)]}
    (row,) = select("data_profile", drawn)
    names = [column.name for column in tables()["data_profile"].columns]
    assert dict(zip(names, row, strict=True))["cold_test"] == 0
