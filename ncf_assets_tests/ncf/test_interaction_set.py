"""The items that users have seen are found again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.interaction_set import InteractionSet

N_ITEMS = 40
# items seen by each user, as a list of sets; for 10 negatives, few are unseen from 20 on
seen_sets = st.lists(
    st.sets(st.integers(0, N_ITEMS - 1), max_size=N_ITEMS - 10), min_size=1, max_size=6
)


def pairs(seen: list[set[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return users and items of sets of items, one set a user."""
    rows = [(user, item) for user, items in enumerate(seen) for item in items]
    users, items = np.array(rows, np.int32).reshape(-1, 2).T
    return users, items


def test_an_item_that_cannot_be_is_refused() -> None:
    """Item 40 of 40 would be taken for the next user's item 0."""
    with pytest.raises(ValueError, match=r"numbered from 0 to 39, found 40\. Give the number of"):
        InteractionSet(np.array([0]), np.array([40]), 40)


@given(seen_sets, st.randoms())
def test_the_items_of_users_are_listed_user_by_user(seen: list[set[int]], random) -> None:
    """Users are in the order users for, and a user's items ascend.

    A user who has seen nothing has no row.
    """
    users = np.array(random.sample(range(len(seen)), len(seen)))
    rows, items = InteractionSet(*pairs(seen), N_ITEMS).of(users)
    expected = [(row, item) for row, user in enumerate(users) for item in sorted(seen[user])]
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == expected
