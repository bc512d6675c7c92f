"""Counting what beats and what equals the held-out item."""

import numpy as np
import pytest

from ncf_assets.ncf.ranking import count_better_and_tied, score


def test_better_and_tied_candidates_are_counted_by_hand() -> None:
    """The held-out item is at column 0; lower candidates count nothing."""
    scores = np.array(
        [
            [0.5, 0.9, 0.5, 0.1],  # one better, one tied
            [1.0, 0.0, 0.0, 0.0],  # first
            [0.0, 1.0, 2.0, 3.0],  # last
            [2.0, 2.0, 2.0, 2.0],  # all tied
        ]
    )
    better, tied = count_better_and_tied(scores)
    assert better.tolist() == [1, 0, 3, 0]
    assert tied.tolist() == [1, 0, 0, 3]


def test_infinities_are_ranked() -> None:
    """Minus infinity is a bad score, not an error."""
    better, tied = count_better_and_tied(np.array([[0.0, np.inf, -np.inf]]))
    assert (better.tolist(), tied.tolist()) == ([1], [0])


def test_nan_is_refused() -> None:
    """It would neither beat nor equal anything, and count as a hit."""
    scores = np.zeros((4, 3))
    scores[2, 1] = scores[3, 0] = np.nan
    with pytest.raises(ValueError, match="found NaN in 2 of 4 rows, the first is row 2"):
        count_better_and_tied(scores)


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_scores_do_not_depend_on_the_batch(batch: int) -> None:
    """Score of (user, item) = 10 user + item, asked for in lists of 3."""
    users = np.array([2, 0, 5])
    candidates = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    found = score(lambda u, i: 10.0 * u + i, users, candidates, batch)
    assert found.tolist() == [[21, 22, 23], [4, 5, 6], [57, 58, 59]]
