"""Users are in the segments that their counts say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation.segments import history_segments, popularity_segments, segments


def test_the_bins_are_named_by_their_ends() -> None:
    """The shortest history and the least popular item come first."""
    assert history_segments() == [
        "history 1-2", "history 3-4", "history 5-9", "history 10-19", "history 20-49",
        "history 50+",
    ]  # fmt: skip
    assert popularity_segments() == [
        "popularity 1-4", "popularity 5-19", "popularity 20-99", "popularity 100-499",
        "popularity 500+",
    ]  # fmt: skip


def test_three_users_by_hand() -> None:
    """They have 2, 3 and 49 interactions, and items of popularity 0, 4 and 500."""
    found = segments(np.array([2, 3, 49]), np.array([0, 4, 500]))
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "all": [True, True, True],
        "cold": [True, False, False],
        "history 1-2": [True, False, False],
        "history 3-4": [False, True, False],
        "history 20-49": [False, False, True],
        "popularity 1-4": [False, True, False],
        "popularity 500+": [False, False, True],
    }


def test_a_user_without_history_is_shown_apart() -> None:
    """In no other segment, whatever the held-out item."""
    found = segments(np.array([0, 0, 1]), np.array([0, 9, 9]))
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "all": [False, False, True],
        "history 0": [True, True, False],
        "history 1-2": [False, False, True],
        "popularity 5-19": [False, False, True],
    }


@given(st.lists(st.tuples(st.integers(1, 10**5), st.integers(0, 10**5)), min_size=1))
def test_every_user_is_once_in_each_kind(counts: list[tuple[int, int]]) -> None:
    """A user is in one bin of history lengths, and in one of popularity or among the cold."""
    found = segments(*np.array(counts).T)
    of_history = sum(found.get(name, 0) for name in history_segments())
    of_popularity = sum(found.get(name, 0) for name in [*popularity_segments(), "cold"])
    assert np.all(of_history == 1)
    assert np.all(of_popularity == 1)
