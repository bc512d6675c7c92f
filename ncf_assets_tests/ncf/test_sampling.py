"""Negatives for evaluation and for training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_assets.ncf import sampling
from ncf_assets.ncf.randomness import rng

IDS = ["ann", "ben", "cyd", "dan"]
KEYS = sampling.user_keys(IDS)
HISTORY = {0: [0, 1, 2], 1: [3], 2: [0, 9, 5, 7], 3: [8, 9]}
SEEN_USERS = np.array([user for user, items in HISTORY.items() for _ in items])
SEEN_ITEMS = np.array([item for items in HISTORY.values() for item in items])
USERS = np.arange(4)


def draw(n: int = 6, n_items: int = 200, seed: int = 1, split: str = "test", users=USERS) -> list:
    """Evaluation negatives of the drawn users."""
    return sampling.unseen_items(
        KEYS, users, SEEN_USERS, SEEN_ITEMS, n_items, n, seed, split
    ).tolist()


@pytest.mark.parametrize("n_items", [10, 16, 200, 50_000])
def test_negatives_are_distinct_and_unseen(n_items: int) -> None:
    """With few items all unseen ones are hashed, with many they are drawn; both keep the rule."""
    for user, row in enumerate(draw(n=6, n_items=n_items)):
        assert len(set(row)) == 6
        assert not set(row) & set(HISTORY[user])
        assert all(0 <= item < n_items for item in row)


def test_all_unseen_items_are_taken_where_just_so_many_are_asked() -> None:
    """Cyd has seen 4 of 10: the other 6, in some order."""
    assert sorted(draw(n=6, n_items=10)[2]) == [1, 2, 3, 4, 6, 8]


def test_too_few_unseen_items_are_an_error_with_remedy() -> None:
    """Cyd has 6 unseen items; of the others only she has fewer than 7."""
    message = (
        r"user 2 has 6 unseen items, 7 asked; 1 users have too few; lower `candidates` or drop"
    )
    with pytest.raises(ValueError, match=message):
        draw(n=7, n_items=10)


@pytest.mark.parametrize("n_items", [16, 200])
def test_a_users_negatives_do_not_depend_on_others(n_items: int) -> None:
    """Other rows, another order, another numbering of users and pairs: the same items."""
    alone = draw(n_items=n_items, users=np.array([2]))[0]
    assert draw(n_items=n_items)[2] == alone
    assert draw(n_items=n_items, users=USERS[::-1])[1] == alone
    # cyd as user 0 of a data set of her own, her history in another order
    renumbered = sampling.unseen_items(
        sampling.user_keys(["cyd"]),
        np.array([0]),
        np.zeros(4, int),
        np.array([7, 5, 9, 0]),
        n_items,
        6,
        1,
        "test",
    )
    assert renumbered[0].tolist() == alone


def test_negatives_follow_seed_and_split() -> None:
    """Equal both times, other ones for another seed or split."""
    assert draw() == draw()
    assert draw(seed=2) != draw()
    assert draw(split="validation") != draw()


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One user at a time or all at once."""
    whole = draw()
    monkeypatch.setattr(sampling, "CHUNK", 1)
    assert draw() == whole


@pytest.mark.parametrize("n_items", [30, 100])
def test_every_unseen_item_is_drawn_about_equally_often(n_items: int) -> None:
    """4,000 users without history, 10 items each: χ² over n items lies near n (± 5 √2n)."""
    m = 4_000
    keys = sampling.user_keys([f"user {i}" for i in range(m)])
    none = np.array([], int)
    items = sampling.unseen_items(keys, np.arange(m), none, none, n_items, 10, 3, "test")
    counts = np.bincount(items.ravel(), minlength=n_items)
    expected = m * 10 / n_items
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < n_items + 5 * np.sqrt(2 * n_items)


@settings(max_examples=50)
@given(st.data())
def test_random_histories_keep_the_rules(data: st.DataObject) -> None:
    """Any history that leaves enough unseen items."""
    n_items = data.draw(st.integers(4, 40))
    n = data.draw(st.integers(1, 3))
    seen = data.draw(st.sets(st.integers(0, n_items - 1), max_size=n_items - n))
    row = sampling.unseen_items(
        KEYS,
        np.array([1]),
        np.ones(len(seen), int),
        np.array(sorted(seen), int),
        n_items,
        n,
        5,
        "x",
    )[0].tolist()
    assert len(set(row)) == n
    assert not set(row) & seen


def test_an_item_outside_the_id_map_is_refused() -> None:
    """Items are numbered from 0 to 4, and HISTORY has a 5."""
    with pytest.raises(ValueError, match="items are numbered from 0 to 4, found"):
        draw(n_items=5, n=1)


def test_long_form_counts_positions_from_one() -> None:
    """Two users with two items each."""
    columns = sampling.long_form("test", np.array([4, 7]), np.array([[1, 2], [3, 4]]))
    assert columns["user"].tolist() == [4, 4, 7, 7]
    assert columns["position"].tolist() == [1, 2, 1, 2]
    assert columns["item"].tolist() == [1, 2, 3, 4]


def test_training_negatives_leave_out_training_items_only() -> None:
    """Ann trained on 0 and 1 of 4 items: 2 and 3, held out or not, are drawn; never 0 or 1."""
    negatives = sampling.TrainingNegatives(np.array([0, 0]), np.array([1, 0]), 4)
    drawn = negatives.draw(rng(1, "a"), np.zeros(500, int), 4)
    assert drawn.shape == (500, 4)
    counts = np.bincount(drawn.ravel(), minlength=4)
    assert counts[:2].tolist() == [0, 0]
    assert 850 < counts[2] < 1150  # binomial(2000, 0.5): five deviations are 112


def test_the_only_unseen_item_is_found() -> None:
    """No endless search: ann has all items but 2."""
    negatives = sampling.TrainingNegatives(np.zeros(3, int), np.array([0, 1, 3]), 4)
    assert set(negatives.draw(rng(1, "a"), np.zeros(9, int), 2).ravel()) == {2}


def test_a_user_with_all_items_has_no_training_negatives() -> None:
    """The error names the user and the remedy."""
    negatives = sampling.TrainingNegatives(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    with pytest.raises(ValueError, match=r"user 1 has 0 unseen items, 1 asked.*drop such users"):
        negatives.draw(rng(1, "a"), np.array([0, 1]), 1)


def test_training_negatives_follow_their_generator() -> None:
    """Fresh each epoch, the same for the same epoch."""
    negatives = sampling.TrainingNegatives(SEEN_USERS, SEEN_ITEMS, 50)
    first = negatives.draw(rng(1, "epoch 1"), USERS, 5).tolist()
    assert negatives.draw(rng(1, "epoch 1"), USERS, 5).tolist() == first
    assert negatives.draw(rng(1, "epoch 2"), USERS, 5).tolist() != first
