"""Where held-out items are placed: by hand, with ties, and whatever the size of the batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf import ranking


def made_up(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Score 1000 · user + item."""
    return (1000 * users + items).astype(np.float32)


def test_better_and_tied_by_hand() -> None:
    """Only what stands against column 0 counts; columns 1 and later have no order."""
    scores = np.array(
        [
            [0.5, 0.9, 0.5, 0.1],  # one better, one tied
            [0.9, 0.5, 0.5, 0.1],  # the equals are both worse: first
            [0.1, 0.9, 0.5, 0.2],  # last
            [0.3, 0.3, 0.3, 0.3],  # a constant model
        ]
    )
    better, tied = ranking.count_better_and_tied(scores)
    assert better.tolist() == [1, 0, 3, 0]
    assert tied.tolist() == [1, 0, 0, 3]
    assert better.dtype == tied.dtype == np.int32


def test_nearly_equal_is_not_tied() -> None:
    """Scores are not rounded: the next greater float is better."""
    one = np.float32(1)
    scores = np.array([[one, np.nextafter(one, np.float32(2))]])
    better, tied = ranking.count_better_and_tied(scores)
    assert (better[0], tied[0]) == (1, 0)


def test_nan_is_refused() -> None:
    """NaN would count as worse than everything, so a broken model would look perfect."""
    scores = np.zeros((4, 3))
    scores[1, 2] = scores[3, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN in 2 of 4 rows, the first is row 1; .*train it"):
        ranking.count_better_and_tied(scores)


def test_infinite_scores_have_a_place() -> None:
    """Infinity is a number here: equal to itself and beyond all others."""
    better, tied = ranking.count_better_and_tied(np.array([[np.inf, np.inf, 0, -np.inf]]))
    assert (better[0], tied[0]) == (0, 1)


whole_scores = arrays.arrays(np.int64, (4, 6), elements=st.integers(-9, 9))


@given(whole_scores, st.sampled_from([np.exp, np.arctan, lambda x: 3 * x - 7, lambda x: x**3]))
def test_only_the_order_of_scores_counts(scores: np.ndarray, rising: np.ufunc) -> None:
    """Any strictly rising function of the scores leaves the counts as they are."""
    one = ranking.count_better_and_tied(scores)
    other = ranking.count_better_and_tied(rising(scores.astype(float)))
    np.testing.assert_array_equal(one, other)


@given(whole_scores, st.permutations([1, 2, 3, 4, 5]))
def test_the_order_of_the_other_candidates_does_not_count(
    scores: np.ndarray, order: list[int]
) -> None:
    """Only the held-out item has a place of its own."""
    np.testing.assert_array_equal(
        ranking.count_better_and_tied(scores),
        ranking.count_better_and_tied(scores[:, [0, *order]]),
    )


def test_every_pair_is_scored_at_its_place() -> None:
    """Row and column of the scores are those of the candidates."""
    scores = ranking.score(made_up, np.array([2, 0]), np.array([[5, 6, 7], [8, 9, 5]]))
    assert scores.tolist() == [[2005, 2006, 2007], [8, 9, 5]]
    assert scores.dtype == np.float32


@pytest.mark.parametrize("batch", [1, 3, 7, 12, 1000])
def test_scores_do_not_depend_on_the_batch(batch: int) -> None:
    """Every row is scored once, also those of a last, shorter batch."""
    users = np.arange(5)
    candidates = np.arange(15).reshape(5, 3)
    scores = ranking.score(made_up, users, candidates, batch)
    np.testing.assert_array_equal(scores, 1000 * users[:, None] + candidates)


def test_a_batch_holds_no_more_pairs_than_asked() -> None:
    """Of lists of 3, two fit into a batch of 7."""
    sizes = []

    def noting(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        sizes.append((users.size, items.size))
        return made_up(users, items)

    ranking.score(noting, np.arange(5), np.zeros((5, 3), int), batch=7)
    assert sizes == [(6, 6), (6, 6), (3, 3)]


def test_scorers_receive_int32() -> None:
    """That is what `neumf.scorer` takes, whatever integers a table holds."""

    def strict(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        assert users.dtype == items.dtype == np.int32
        return made_up(users, items)

    assert ranking.score(strict, np.array([1], np.uint16), np.array([[2]], np.int64)) == 1002


def test_no_users_have_no_scores() -> None:
    """An empty split is not an error here."""
    scores = ranking.score(made_up, np.array([], int), np.zeros((0, 100), int))
    assert scores.shape == (0, 100)
    better, tied = ranking.count_better_and_tied(scores)
    assert better.size == tied.size == 0
