"""Validation ranks each held-out item among all items that its user has not seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation.validation import Validation, nothing_held_out
from ncf_assets.ncf.interaction_set import InteractionSet

N_USERS, N_ITEMS = 8, 30


def test_two_users_by_hand() -> None:
    """All score items 0, 1, 2, … from the best to the worst.

    User 0 holds out item 3 and has seen 0 and 1: rank 2, of NDCG 1 / log2(3) = 0.6309. User 1 holds
    out item 20 and has seen nothing else: rank 21, a miss. Both are means over two.
    """
    users, items = np.array([0, 0, 0, 1]), np.array([0, 1, 3, 20])
    held_out = np.array([0, 1], np.int32), np.array([3, 20], np.int32)
    validation = Validation(*held_out, InteractionSet(users, items, N_ITEMS))
    hr, ndcg = validation.evaluate(lambda block: np.tile(-np.arange(30.0), (block.size, 1)))
    assert hr == 0.5
    assert ndcg == pytest.approx(0.6309 / 2, abs=5e-5)


def test_two_held_out_items_of_a_user_by_hand() -> None:
    """All score items 0, 1, 2, … from the best to the worst, and nothing else is seen.

    User 0 holds out items 1 and 20, at ranks 2 and 21: a hit, of NDCG .6309 / (1 + .6309).
    """
    users, items = np.array([0, 0, 1], np.int32), np.array([1, 20, 20], np.int32)
    validation = Validation(users, items, InteractionSet(users, items, N_ITEMS))
    hr, ndcg = validation.evaluate(lambda block: np.tile(-np.arange(30.0), (block.size, 1)))
    assert hr == 0.5
    assert ndcg == pytest.approx(0.6309 / 1.6309 / 2, abs=5e-5)


@given(st.integers(0, 10**6), st.integers(0, 6))
def test_it_is_what_sorting_gives(seed: int, n_seen: int) -> None:
    """A plain sort of each user's unseen items and the held-out one gives the same means."""
    generator = np.random.default_rng(seed)
    rows = [generator.choice(N_ITEMS, 1 + n_seen, replace=False) for _ in range(N_USERS)]
    tested = np.sort(generator.choice(N_USERS, 5, replace=False)).astype(np.int32)
    held_out = np.array([rows[user][0] for user in tested], np.int32)
    seen = InteractionSet(np.repeat(np.arange(N_USERS), 1 + n_seen), np.concatenate(rows), N_ITEMS)
    scorer = generator.random((N_USERS, N_ITEMS)).__getitem__
    hits, gains = [], []
    for user, item in zip(tested, held_out, strict=True):
        scores = scorer(np.array([user], np.int32))[0]
        listed = sorted({*range(N_ITEMS)} - {*rows[user][1:]}, key=lambda i: -scores[i])
        rank = 1 + listed.index(item)
        hits.append(rank <= 10)
        gains.append(1 / np.log2(1 + rank) if rank <= 10 else 0)
    found = Validation(tested, held_out, seen).evaluate(scorer)
    assert found == pytest.approx((np.mean(hits), np.mean(gains)))


def test_nothing_held_out_is_empty() -> None:
    """There is nothing to choose by; with a user there is."""
    assert nothing_held_out(3).empty
    one = np.array([0], np.int32)
    assert not Validation(one, one, InteractionSet(one, one, 3)).empty
