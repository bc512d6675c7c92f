"""The k-core on a table worked by hand, and against a plain loop on random data."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.k_core import k_core


def test_what_rare_items_leave_behind_goes_as_well() -> None:
    """By hand: of 2 and 2, item 3 goes, then user 2, then item 2; 0 and 1 of both stay."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3)]
    users, items = (np.array(side) for side in zip(*pairs, strict=True))
    assert k_core(users, items, 2, 2).tolist() == [True] * 4 + [False] * 3
    assert k_core(users, items, 1, 2).tolist() == [True] * 6 + [False]  # item 3 alone
    assert k_core(users, items, 1, 1).all()
    assert not k_core(users, items, 3, 3).any()


def test_nothing_has_an_empty_core() -> None:
    """No interaction, no error."""
    empty = np.array([], np.int32)
    assert k_core(empty, empty, 5, 5).tolist() == []


def by_loop(pairs: set[tuple[int, int]], a: int, b: int) -> set[tuple[int, int]]:
    """The core by removing one pair at a time, as the definition has it."""
    pairs = set(pairs)
    while True:
        users, items = Counter(u for u, _ in pairs), Counter(i for _, i in pairs)
        rare = next((p for p in sorted(pairs) if users[p[0]] < a or items[p[1]] < b), None)
        if rare is None:
            return pairs
        pairs.remove(rare)


@given(
    pairs=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60),
    a=st.integers(1, 4),
    b=st.integers(1, 4),
)
def test_the_core_is_what_removing_pair_by_pair_leaves(
    pairs: set[tuple[int, int]], a: int, b: int
) -> None:
    """The order of removal does not matter, so both find the same set."""
    ordered = sorted(pairs)
    users, items = (np.array(side) for side in zip(*ordered, strict=True))
    kept = k_core(users, items, a, b)
    assert {pair for pair, keep in zip(ordered, kept, strict=True) if keep} == by_loop(pairs, a, b)
