"""Training negatives are unseen and uniform, and no draw is rejected."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_assets.ncf.training import training_sampling

N_ITEMS = 12
user_items = st.lists(
    st.sets(st.integers(0, N_ITEMS - 1), max_size=N_ITEMS - 1), min_size=1, max_size=6
).filter(any)


def draw(seen: list[set[int]], n_items: int, users: list[int], n: int, seed: int = 0) -> np.ndarray:
    """Draw negatives [users, n] that are not among the users' items."""
    rows = [(user, item) for user, items in enumerate(seen) for item in items]
    of_users, items = np.array(rows, np.int32).reshape(-1, 2).T
    given = training_sampling.user_items(of_users, items, len(seen), n_items)
    drawn = training_sampling.draw(given, tf.constant(users, tf.int32), n, tf.constant([seed, 1]))
    return np.asarray(drawn)


@settings(deadline=None)
@given(user_items, st.integers(0, 2**31 - 1))
def test_no_negative_is_a_training_item(seen: list[set[int]], seed: int) -> None:
    """Each user gets 7 items, all of the catalogue and none of the user's own."""
    drawn = draw(seen, N_ITEMS, list(range(len(seen))), 7, seed)
    assert drawn.shape == (len(seen), 7)
    assert drawn.dtype == np.int32
    assert ((drawn >= 0) & (drawn < N_ITEMS)).all()
    assert not any(set(row) & own for row, own in zip(drawn.tolist(), seen, strict=True))


def test_the_last_unseen_item_is_found() -> None:
    """Of 5 items user 0 has all but 3, and user 1 all but 0."""
    assert draw([{0, 1, 2, 4}, {1, 2, 3, 4}], 5, [0, 1], 3).tolist() == [[3, 3, 3], [0, 0, 0]]


def test_draws_are_uniform_over_the_unseen_items() -> None:
    """Items 0, 2, 5 of 6 are unseen.

    Of 30,000 draws each gets 10,000, give or take 5 deviations.
    """
    values, counts = np.unique(draw([{1, 3, 4}], 6, [0] * 10_000, 3), return_counts=True)
    assert values.tolist() == [0, 2, 5]
    assert (abs(counts - 10_000) < 5 * 82).all()  # sqrt(30,000 · 1/3 · 2/3) = 82


def test_equal_seeds_draw_equal_items() -> None:
    """Other seeds draw other items."""
    one, two, other = (draw([{1}], 1000, [0] * 50, 4, seed) for seed in (3, 3, 4))
    assert (one == two).all()
    assert (one != other).any()


def test_a_user_who_has_everything_in_training_is_named() -> None:
    """User 1 has all 3 items, so there is no negative."""
    with pytest.raises(
        ValueError,
        match=r"1 user has fewer than 1 unseen items; user 1 has 0, .*\. Drop such users",
    ):
        draw([{0}, {0, 1, 2}], 3, [0], 4)
