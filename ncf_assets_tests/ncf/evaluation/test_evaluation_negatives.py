"""Negatives are unseen and distinct, and depend only on the inputs that they should depend on."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation import evaluation_negatives
from ncf_assets.ncf.evaluation.evaluation_negatives import long_form, unseen_items, user_keys
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets_tests.ncf.test_interaction_set import N_ITEMS, pairs, seen_sets


def draw(ids: list[str], seen: list[set[int]], n: int = 10) -> np.ndarray:
    """Draw one row of negatives for each id."""
    users = np.arange(len(ids))
    return unseen_items(user_keys(ids), users, InteractionSet(*pairs(seen), N_ITEMS), n, 2017)


def names(seen: list[set[int]]) -> list[str]:
    """Return an id for each user."""
    return [f"A{number}" for number in range(len(seen))]


@given(seen_sets)
def test_negatives_are_distinct_and_unseen(seen: list[set[int]]) -> None:
    """Each row has n different items, and the user has seen none of them."""
    for row, history in zip(draw(names(seen), seen), seen, strict=True):
        assert len(set(row)) == 10
        assert not set(row) & history


@given(seen_sets, st.randoms())
def test_negatives_move_with_their_user(seen: list[set[int]], random) -> None:
    """Neither the dense number of a user nor the order of rows changes what is drawn."""
    ids, order = names(seen), list(range(len(seen)))
    random.shuffle(order)
    shuffled = draw([ids[i] for i in order], [seen[i] for i in order])
    assert (shuffled == draw(ids, seen)[order]).all()


@given(seen_sets)
def test_other_users_do_not_matter(seen: list[set[int]]) -> None:
    """A user who is the only one gets the same negatives."""
    ids = names(seen)
    together = draw(ids, seen)
    for number, history in enumerate(seen):
        assert (draw([ids[number]], [history])[0] == together[number]).all()


@given(seen_sets)
def test_the_order_and_repetition_of_history_do_not_matter(seen: list[set[int]]) -> None:
    """Seen items are a set."""
    users, items = pairs(seen)
    keys, rows = user_keys(names(seen)), np.arange(len(seen))
    backwards = (np.tile(users[::-1], 2), np.tile(items[::-1], 2))
    twice = unseen_items(keys, rows, InteractionSet(*backwards, N_ITEMS), 10, 2017)
    assert (twice == draw(names(seen), seen)).all()


def test_the_size_of_chunks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks bound the memory and leave no trace in the result."""
    seen = [set(range(number)) for number in range(30)]
    expected = draw(names(seen), seen)
    monkeypatch.setattr(evaluation_negatives, "CHUNK", 1)
    assert (draw(names(seen), seen) == expected).all()


def test_users_and_seeds_draw_differently() -> None:
    """Another seed gives other lists, and so does another user."""
    keys, none = user_keys(["A1", "A2"]), np.empty(0, np.int32)
    nothing = InteractionSet(none, none, 10_000)
    rows = {
        tuple(row) for seed in (1, 2) for row in unseen_items(keys, np.arange(2), nothing, 5, seed)
    }
    assert len(rows) == 4


def splitmix(start: int, counter: int) -> int:
    """Draw number `counter` of a stream, in Python's own integers."""
    word = (start + (counter + 1) * 0x9E3779B97F4A7C15) % 2**64
    return finish(word)


def finish(word: int) -> int:
    """Mix one word as SplitMix64 does."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def start(user_id: str, seed: int) -> int:
    """Return where the stream of a user begins."""
    words = [
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
        for text in (user_id, f"{seed} negatives test")
    ]
    return finish(words[0] ^ words[1])


@pytest.mark.parametrize("history", [set(), {0, 1, 2}, set(range(0, 40, 3))])
def test_draws_equal_a_plain_loop(history: set[int]) -> None:
    """A loop without numpy, which skips seen and repeated draws, gives the same items."""
    expected: list[int] = []
    counter = 0
    while len(expected) < 10:
        item = (splitmix(start("A0", 2017), counter) >> 32) * N_ITEMS >> 32
        counter += 1
        if item not in history and item not in expected:
            expected.append(item)
    assert draw(["A0"], [history])[0].tolist() == expected


@pytest.mark.parametrize(("n_seen", "n"), [(25, 10), (25, 2), (15, 15)])
def test_a_user_with_few_unseen_items_gets_those_of_the_smallest_hashes(
    n_seen: int, n: int
) -> None:
    """Items are ordered by hash if fewer than half of 40 are unseen, or fewer than 2 n."""
    begin = start("A0", 2017)
    expected = sorted(range(n_seen, 40), key=lambda item: splitmix(begin, item))[:n]
    assert draw(["A0"], [set(range(n_seen))], n)[0].tolist() == expected


def test_who_has_just_enough_unseen_items_gets_them_all() -> None:
    """Items 0 to 29 are seen, so the ten negatives are 30 to 39 in some order."""
    assert sorted(draw(["A0"], [set(range(30))])[0]) == list(range(30, 40))


def test_too_few_unseen_items_name_the_user_and_the_remedy() -> None:
    """Users 1 and 2 have 9 and 0 unseen items."""
    seen = [set(), set(range(31)), set(range(40))]
    with pytest.raises(
        ValueError,
        match=r"2 users have fewer than 10 unseen items; user 2 has 0, which is the least\. Lower"
        r" `n_negatives` of `negatives` to 0 at most, or drop users with fewer\.",
    ):
        draw(names(seen), seen)


@pytest.mark.parametrize(("n_seen", "n"), [(1, 10), (200, 60)], ids=["draws", "hashes"])
def test_negatives_are_uniform(n_seen: int, n: int) -> None:
    """Chi-square is at most 5 deviations high.

    The test is over 300 items, of which 3,000 users have seen a part.
    """
    n_users, n_items = 3_000, 300
    users = np.repeat(np.arange(n_users), n_seen)
    items = np.tile(np.arange(n_seen), n_users)  # all have seen the same first items
    keys = user_keys([str(user) for user in range(n_users)])
    seen = InteractionSet(users, items, n_items)
    drawn = unseen_items(keys, np.arange(n_users), seen, n, 1)
    counts = np.bincount(drawn.ravel(), minlength=n_items)[n_seen:]
    expected = n_users * n / counts.size
    freedom = counts.size - 1
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)


def test_the_table_has_one_row_per_negative() -> None:
    """Two users with two negatives each; positions begin at 1, as 0 is the held-out item."""
    columns = long_form(np.array([4, 6]), np.array([[7, 8], [9, 7]], np.int32))
    assert np.asarray(columns["user"]).tolist() == [4, 4, 6, 6]
    assert np.asarray(columns["position"]).tolist() == [1, 2, 1, 2]
    assert np.asarray(columns["item"]).tolist() == [7, 8, 9, 7]
