"""Lists of a few items become scores of all: what is listed counts, what is not comes below."""

import numpy as np
import pytest

from ncf_assets.ncf.evaluation import listed_scores, ranking
from ncf_assets.ncf.evaluation.ranking import HeldOutRanks
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend.top_k import NO_ITEM, TopUnseen

USERS, ITEMS = np.array([1, 1, 1, 4]), np.array([2, 0, 3, 0])
SCORES = np.array([0.5, -3.0, 0.1, 7.0])


def test_unlisted_items_are_below_all_listed_ones() -> None:
    """Users in any order; user 2 has no list at all."""
    score = listed_scores.block_scorer(USERS, ITEMS, SCORES, 5)
    low = -np.inf
    np.testing.assert_array_equal(
        score(np.array([4, 2, 1])),
        [[7.0, low, low, low, low], [low] * 5, [-3.0, low, 0.5, 0.1, low]],
    )


@pytest.mark.parametrize(
    ("held_out", "better", "tied"),
    [
        (2, 0, 0),  # listed first
        (0, 2, 0),  # listed last: 2 and 3 are better
        (4, 2, 2),  # not listed, as 1 and 5 are not; of the listed ones 0 has been rated
    ],
)
def test_ranks_are_those_worked_by_hand(held_out: int, better: int, tied: int) -> None:
    """User 1 lists 2, 3, 0 of six items; item 0 is rated where it is not held out."""
    user, others = np.array([1]), [0] if held_out else [5]
    seen = InteractionSet(np.array([1, 1]), np.array([held_out, *others]), 6)
    candidates = np.array([[held_out, 3]])
    ranks = HeldOutRanks(user, candidates, seen)
    score = listed_scores.block_scorer(USERS, ITEMS, SCORES, 6)
    ranking.score_all("theirs", score, user, 6, [ranks])
    assert (ranks.full.n_better[0], ranks.full.n_tied[0]) == (better, tied)
    assert ranks.full.n_candidates[0] == 5


def test_what_is_not_listed_is_not_shown() -> None:
    """A list of three items, of which one has been rated, ends after two."""
    top = TopUnseen(np.array([1]), InteractionSet(np.array([1]), np.array([3]), 5), 4)
    score = listed_scores.block_scorer(USERS, ITEMS, SCORES, 5)
    ranking.score_all("theirs", score, np.array([1]), 5, [top])
    assert top.items.tolist() == [[2, 0, NO_ITEM, NO_ITEM]]


def test_doubles_are_not_rounded() -> None:
    """Two scores that 32 bits would hold to be equal are not tied."""
    near = np.array([1.0, 1.0 + 1e-12])
    found = listed_scores.block_scorer(np.array([0, 0]), np.array([0, 1]), near, 2)(np.array([0]))
    assert found[0, 1] > found[0, 0]
