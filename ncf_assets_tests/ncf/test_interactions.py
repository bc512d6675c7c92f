"""Interactions stand in each user's order of time, and recent ones may weigh more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.interactions import Interactions

# user 0 has items 3, 1, 2 in this order, user 1 nothing, user 2 item 3; `recency` counts from 1
USERS, ITEMS, RECENCY = np.array([[2, 3, 1], [0, 2, 1], [0, 3, 3], [0, 1, 2]]).T
KNOWN = Interactions.of(USERS, ITEMS, 3, 4, RECENCY)
histories = st.lists(st.integers(0, 6), min_size=1, max_size=6)  # the lengths of some users


def of_lengths(lengths: list[int]) -> Interactions:
    """Return histories of these lengths, each of the items from 0 on."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    items = np.concatenate([np.arange(n) for n in lengths])
    return Interactions.of(users, items, len(lengths), 6)


def test_the_oldest_of_each_user_comes_first() -> None:
    """Rows come in any order; a user's last interaction has recency 1."""
    assert KNOWN.users.tolist() == [0, 0, 0, 2]
    assert KNOWN.items.tolist() == [3, 1, 2, 3]
    assert KNOWN.starts.tolist() == [0, 3, 3, 4]
    assert (KNOWN.users.dtype, KNOWN.items.dtype, KNOWN.n) == (np.int32, np.int32, 4)


def test_without_recency_the_order_is_that_of_the_arguments() -> None:
    """User 0's items are given as 0, 3, 1 among those of user 1."""
    found = Interactions.of(np.array([1, 0, 0, 1, 0]), np.array([2, 0, 3, 1, 1]), 2, 4)
    assert found.items.tolist() == [0, 3, 1, 2, 1]


def test_an_age_counts_the_later_interactions() -> None:
    """Three of user 0 have two, one and none after them."""
    assert KNOWN.ages.tolist() == [2, 1, 0, 0]


def test_weights_halve_with_each_half_life_and_keep_their_sum() -> None:
    """User 0's are 1/4, 1/2, 1, which add up to 7/4 and not 3: times 12/7 they are 3/7, 6/7, 12/7.

    A single interaction weighs 1. With a half-life of 2 the ages 2 and 0 weigh 1 : 2.
    """
    assert KNOWN.weights(1) == pytest.approx([3 / 7, 6 / 7, 12 / 7, 1])
    first, _, last, _ = KNOWN.weights(2)
    assert last == pytest.approx(2 * first)


def test_a_half_life_of_0_weighs_all_alike() -> None:
    """It stands for no weights."""
    assert KNOWN.weights(0).tolist() == [1, 1, 1, 1]


@given(histories, st.floats(0.05, 1e4))
def test_users_weigh_as_much_as_they_have(lengths: list[int], half_life: float) -> None:
    """A user's weights never fall with time, and add up to the number of the interactions."""
    found = of_lengths(lengths)
    weights = found.weights(half_life)
    totals = np.bincount(found.users, weights, minlength=len(lengths))
    np.testing.assert_allclose(totals, lengths, rtol=1e-5)
    assert all((np.diff(weights[found.users == user]) >= 0).all() for user in range(len(lengths)))


@given(histories, st.randoms())
def test_the_order_of_rows_does_not_matter(lengths: list[int], random) -> None:
    """Recency alone says what came first."""
    found = of_lengths(lengths)
    order = random.sample(range(found.n), found.n)
    rows = found.users[order], found.items[order]
    again = Interactions.of(*rows, len(lengths), 6, found.ages[order])
    assert again.items.tolist() == found.items.tolist()


def test_the_matrix_has_the_weights() -> None:
    """A row is a user, a column an item, and a missing pair is 0."""
    expected = [[0, 6 / 7, 12 / 7, 3 / 7], [0, 0, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(KNOWN.matrix(1).toarray(), expected, rtol=1e-6)
    assert KNOWN.matrix().toarray().tolist() == [[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_a_model_of_nothing_is_refused() -> None:
    """Without pairs there is nothing to learn from."""
    KNOWN.check_not_empty()
    with pytest.raises(ValueError, match=r"one interaction, got none\. Give at least one\."):
        of_lengths([0, 0]).check_not_empty()
