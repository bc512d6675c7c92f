"""Leave-one-out and the lists of candidates, of hand-drawn interactions."""

import pytest

from ncf_assets_tests.drawn import select

USERS = [
    (0, "ann", 4),  # two in train, one in validation, one in test
    (1, "ben", 3),  # one each: the fewest that are held out
    (2, "cyd", 2),  # too few: all in train
]
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
    assert select(table, {"interactions": INTERACTIONS, "users": USERS}) == rows


def test_candidates_are_the_held_out_item_then_the_negatives() -> None:
    """Negatives have rating 0."""
    drawn = {"test": [(0, 2, 3, 1, 3.0)], "negatives": [(0, 1, 7), (0, 2, 6)]}
    assert select("test_candidates", drawn) == [(0, 0, 2, 3.0), (0, 1, 7, 0.0), (0, 2, 6, 0.0)]


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
