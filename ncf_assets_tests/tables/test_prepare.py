"""The id maps and interactions of hand-drawn reviews."""

import hashlib
import json
import random
from datetime import date
from pathlib import Path
from typing import Any

from ncf_assets.assets.prepare import EVERYTHING
from ncf_assets.datasets import Dataset
from ncf_assets.ingest import reader
from ncf_assets.tables import tables
from ncf_assets_tests.drawn import at, database, select

DAY = 86_400

REVIEWS = [
    # line, user_id, item_id, rating, timestamp
    (1, "ben", "hat", 5.0, 3 * DAY),  # ids come in the order of the text, not of the file
    (2, "ann", "cap", 4.0, 1 * DAY),
    (3, "ann", "hat", 2.0, 2 * DAY),
    (4, "ann", "hat", 3.0, 5 * DAY),  # the same pair as line 3, but later: this one stays
    (5, "ann", "tie", 1.0, 5 * DAY),  # the same day as line 4: the same rank
    (6, "Ann", "hat", 1.0, 1 * DAY),  # another case is another user, before all small letters
    (7, "ben", "tie", 2.0, 4 * DAY),
    (8, "ben", "tie", 4.0, 4 * DAY),  # the same pair at the same time: the higher rating stays
]
USERS = [(0, "Ann", 1), (1, "ann", 3), (2, "ben", 2)]
ITEMS = [(0, "cap", 1), (1, "hat", 3), (2, "tie", 2)]


def latest(reviews: list, **settings: Any) -> list:
    """Return the latest reviews of drawn ones, with filters."""
    return select("latest_reviews", {"raw_reviews": reviews}, **(EVERYTHING | settings))


def interactions(reviews: list, seed: int = 1) -> list:
    """Return the interactions of drawn reviews."""
    drawn = {"latest_reviews": latest(reviews), "users": USERS, "items": ITEMS}
    return select("interactions", drawn, seed=seed)


def test_users_are_numbered_in_the_order_of_their_ids() -> None:
    """Upper case comes before lower case; a pair that was reviewed twice counts once."""
    assert select("users", {"latest_reviews": latest(REVIEWS)}) == USERS


def test_items_are_numbered_in_the_order_of_their_ids() -> None:
    """The count is of distinct users."""
    assert select("items", {"latest_reviews": latest(REVIEWS)}) == ITEMS


def test_the_latest_review_of_a_pair_stays() -> None:
    """These are hat by ann on day 5, and tie by ben with 4 stars."""
    rows = {
        (user, item): (rating, time) for user, item, _, _, rating, time in interactions(REVIEWS)
    }
    assert rows == {
        (0, 1): (1.0, at(1 * DAY)),
        (1, 0): (4.0, at(1 * DAY)),
        (1, 1): (3.0, at(5 * DAY)),
        (1, 2): (1.0, at(5 * DAY)),
        (2, 1): (5.0, at(3 * DAY)),
        (2, 2): (4.0, at(4 * DAY)),
    }


def test_rank_is_dense_by_time_within_the_user() -> None:
    """For ann, cap on day 1 has rank 1; hat and tie on day 5 both have rank 2."""
    ranks = {(user, item): rank for user, item, rank, *_ in interactions(REVIEWS)}
    assert ranks == {(0, 1): 1, (1, 0): 1, (1, 1): 2, (1, 2): 2, (2, 1): 1, (2, 2): 2}


def test_recency_counts_back_from_the_last_without_ties() -> None:
    """Cap is ann's third last; hat and tie share 1 and 2 in the order of their hashes."""
    recency = {(user, item): nth for user, item, _, nth, *_ in interactions(REVIEWS)}
    assert recency[1, 0] == 3
    assert {recency[1, 1], recency[1, 2]} == {1, 2}
    assert (recency[2, 2], recency[2, 1]) == (1, 2)


def test_recency_is_the_order_of_times_and_within_a_time_of_md5() -> None:
    """As hashlib gives it: of 20 drawn users with 12 items each, on 1 to 12 days."""
    draw = random.Random(4)
    reviews = [
        (12 * u + i + 1, f"u{u:02}", f"i{i:02}", 1.0, draw.randrange(1 + u % 12) * DAY)
        for u in range(20)
        for i in range(12)
    ]
    drawn = {"latest_reviews": latest(reviews)}
    drawn = {**drawn, "users": select("users", drawn), "items": select("items", drawn)}
    found = {(u, nth): i for u, i, _, nth, *_ in select("interactions", drawn, seed=7)}

    def place(review: tuple[int, str, str, float, int]) -> tuple[int, str]:
        _, user, item, _, time = review
        key = f"7 {user} {item}"
        return -time, hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()

    for user in range(20):
        own = sorted((row for row in reviews if row[1] == f"u{user:02}"), key=place)
        assert [found[user, nth] for nth in range(1, 13)] == [int(row[2][1:]) for row in own]


def test_a_rating_below_the_lowest_takes_the_pair_away() -> None:
    """Ann gave hat 2, later 3: the later one counts, whatever the earlier one was."""
    ben = [("ben", "hat", 5.0), ("ben", "tie", 4.0)]
    kept = [row[:3] for row in latest(REVIEWS, min_rating=3.0)]
    assert kept == [
        ("ann", "cap", 4.0),
        ("ann", "hat", 3.0),
        *ben,
    ]


def test_days_that_do_not_count_are_left_out_before_the_latest_is_chosen() -> None:
    """Until day 4 (1970-01-05) ann's hat is that of day 2."""
    kept = {row[:2]: row[2] for row in latest(REVIEWS, last_day="1970-01-05")}
    assert kept["ann", "hat"] == 2.0
    assert ("ann", "tie") not in kept
    assert {row[:2] for row in latest(REVIEWS, first_day="1970-01-06")} == {
        ("ann", "hat"),
        ("ann", "tie"),
    }


def test_ties_in_time_follow_the_seed() -> None:
    """An md5 of seed, user and item decides: over many seeds each item is first half the time."""
    text = str(tables()["interactions"].select)
    with database(
        {"latest_reviews": latest(REVIEWS), "users": USERS, "items": ITEMS}
    ) as connection:
        firsts = [
            item
            for seed in range(200)
            for user, item, _, recency, *_ in connection.execute(text, {"seed": seed}).fetchall()
            if user == 1 and recency == 1
        ]
    assert set(firsts) == {1, 2}
    assert 60 < firsts.count(1) < 140  # binomial(200, 0.5): 100 ± 40 is beyond five deviations


def test_of_one_second_the_true_last_item_is_held_out(tmp_path: Path) -> None:
    """In a file of 2023, 60 users have 4 reviews in one second each, a few milliseconds apart."""
    moments = [(f"u{user}", f"i{nth}", 7 * nth) for user in range(60) for nth in range(4)]
    random.Random(1).shuffle(moments)
    lines = [
        json.dumps(
            {"user_id": u, "parent_asin": i, "rating": 5, "timestamp": 1_400_000_000_000 + ms}
        )
        for u, i, ms in moments
    ]
    file = tmp_path / "reviews.jsonl"
    file.write_text("\n".join(lines))
    [batch] = reader.read(file, Dataset("X", "X", "amazon-2023"), date(2024, 5, 6))
    rows = [tuple(row.values()) for row in batch.accepted.to_pylist()]
    drawn = {"latest_reviews": latest(rows)}
    drawn = {**drawn, "users": select("users", drawn), "items": select("items", drawn)}
    lasts = [
        item for _, item, _, recency, *_ in select("interactions", drawn, seed=1) if recency == 1
    ]
    assert lasts == [3] * 60


def test_the_order_of_lines_changes_nothing() -> None:
    """Shuffled lines, with new line numbers, give the same rows."""
    shuffled = REVIEWS.copy()
    random.Random(1).shuffle(shuffled)
    renumbered = [(line, *row[1:]) for line, row in enumerate(shuffled, 1)]
    assert interactions(renumbered) == interactions(REVIEWS)
    assert select("users", {"latest_reviews": latest(renumbered)}) == USERS
