"""Both splits and the lists of candidates, of hand-drawn interactions."""

import pytest

from ncf_assets_tests.drawn import select

USERS = [
    (0, "ann", 4),  # two in train, one in validation, one in test
    (1, "ben", 3),  # one each: the fewest that are held out
    (2, "cyd", 2),  # too few: all in train
]
LEAVE_ONE_OUT = ("leave_one_out", "last", None, None)
INTERACTIONS = [
    # user, item, rank, recency, rating, timestamp
    (0, 0, 1, 4, 5.0, 10),
    (0, 1, 2, 3, 4.0, 20),
    (0, 2, 3, 1, 3.0, 30),  # the same time as the next; recency decides
    (0, 3, 3, 2, 2.0, 30),
    (1, 0, 1, 3, 1.0, 10),
    (1, 1, 1, 2, 2.0, 10),
    (1, 3, 1, 1, 3.0, 10),
    (2, 2, 1, 2, 4.0, 10),
    (2, 3, 2, 1, 5.0, 20),
]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (
            "train",
            [
                (0, 0, 1, 4, 5.0),
                (0, 1, 2, 3, 4.0),
                (1, 0, 1, 3, 1.0),
                (2, 2, 1, 2, 4.0),
                (2, 3, 2, 1, 5.0),
            ],
        ),
        ("validation", [(0, 3, 3, 2, 2.0), (1, 1, 1, 2, 2.0)]),
        ("test", [(0, 2, 3, 1, 3.0), (1, 3, 1, 1, 3.0)]),
    ],
)
def test_the_last_two_of_each_user_with_three_are_held_out(table: str, rows: list) -> None:
    """Test has recency 1, validation has 2, and train has the rest and all of cyd's."""
    drawn = {"interactions": INTERACTIONS, "users": USERS, "split_rule": [LEAVE_ONE_OUT]}
    assert select(table, drawn) == rows


@pytest.mark.parametrize(
    ("table", "targets", "pairs"),
    [
        ("train", "all", [(0, 0)]),
        ("validation", "all", [(0, 1), (1, 2)]),  # the first time of validation belongs to it
        ("test", "all", [(0, 2), (0, 3), (1, 0), (2, 1), (2, 3)]),  # and so does that of the test
        ("test", "first", [(0, 3), (1, 0), (2, 1)]),
        ("test", "last", [(0, 2), (1, 0), (2, 3)]),
    ],
)
def test_a_time_split_has_one_cut_for_all(table: str, targets: str, pairs: list) -> None:
    """Validation begins at 20 and the test at 30; cyd has done nothing before it."""
    drawn = {
        "users": [(0, "ann", 4), (1, "ben", 2), (2, "cyd", 2)],
        "interactions": [
            (0, 0, 1, 4, 5.0, 19),
            (0, 1, 2, 3, 5.0, 20),
            (0, 3, 3, 2, 5.0, 30),  # the same time as the next; recency decides which is first
            (0, 2, 3, 1, 5.0, 30),
            (1, 2, 1, 2, 5.0, 29),
            (1, 0, 2, 1, 5.0, 99),
            (2, 1, 1, 2, 5.0, 30),
            (2, 3, 2, 1, 5.0, 31),
        ],
        "split_rule": [("time_split", targets, 20, 30)],
    }
    assert [row[:2] for row in select(table, drawn)] == pairs


def test_candidates_are_the_held_out_item_then_the_negatives() -> None:
    """Negatives have rating 0."""
    drawn = {"test": [(0, 2, 3, 1, 3.0)], "negatives": [(0, 1, 7), (0, 2, 6)]}
    assert select("test_candidates", drawn) == [(0, 0, 2, 3.0), (0, 1, 7, 0.0), (0, 2, 6, 0.0)]
    two = drawn | {"test": [(0, 2, 3, 1, 3.0), (0, 1, 2, 2, 4.0)]}  # by a time split
    assert [row[1:3] for row in select("test_candidates", two)] == [(0, 1), (0, 2), (1, 7), (2, 6)]


def test_popularity_counts_train_and_validation_and_every_item() -> None:
    """Item 1 has two train users and one of validation; item 2 is in test alone, which is none."""
    drawn = {
        "items": [(0, "cap", 1), (1, "hat", 3), (2, "tie", 1)],
        "train": [(0, 1, 1, 3, 5.0), (1, 1, 1, 4, 5.0), (1, 0, 2, 3, 1.0)],
        "validation": [(2, 1, 2, 2, 4.0)],
        "test": [(2, 2, 3, 1, 4.0)],
    }
    assert select("popularity_scores", drawn) == [
        ("popularity", 0, 1.0),
        ("popularity", 1, 3.0),
        ("popularity", 2, 0.0),
    ]
