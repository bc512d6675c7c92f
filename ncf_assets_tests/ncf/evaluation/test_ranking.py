"""Held-out items get the ranks worked by hand, with ties, and in batches of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncf_assets.ncf.evaluation import rank_gains, ranking
from ncf_assets.ncf.evaluation.ranking import HeldOutRanks, RankCounts
from ncf_assets.ncf.interaction_set import InteractionSet


def made_up(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Score 1000 · user + item."""
    return (1000 * users + items).astype(np.float32)


def test_better_and_tied_by_hand() -> None:
    """Only comparisons with column 0 count; columns 1 and later have no order."""
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
    with pytest.raises(ValueError, match=r"NaN in 2 of 4 rows, the first is row 1\. .*train it"):
        ranking.count_better_and_tied(scores)


def test_infinite_scores_are_ranked() -> None:
    """Infinity is a number here: it equals itself and is beyond all others."""
    better, tied = ranking.count_better_and_tied(np.array([[np.inf, np.inf, 0, -np.inf]]))
    assert (better[0], tied[0]) == (0, 1)


integer_scores = arrays.arrays(np.int64, (4, 6), elements=st.integers(-9, 9))


@given(integer_scores, st.sampled_from([np.exp, np.arctan, lambda x: 3 * x - 7, lambda x: x**3]))
def test_only_the_order_of_scores_counts(scores: np.ndarray, rising: np.ufunc) -> None:
    """Any strictly rising function of the scores leaves the counts unchanged."""
    one = ranking.count_better_and_tied(scores)
    other = ranking.count_better_and_tied(rising(scores.astype(float)))
    np.testing.assert_array_equal(one, other)


@given(integer_scores, st.permutations([1, 2, 3, 4, 5]))
def test_the_order_of_the_other_candidates_does_not_count(
    scores: np.ndarray, order: list[int]
) -> None:
    """Only the held-out item has a column of its own."""
    np.testing.assert_array_equal(
        ranking.count_better_and_tied(scores),
        ranking.count_better_and_tied(scores[:, [0, *order]]),
    )


def test_no_users_have_no_ranks() -> None:
    """An empty split is not an error here."""
    better, tied = ranking.count_better_and_tied(np.zeros((0, 100)))
    assert better.size == tied.size == 0


def of_table(scores: np.ndarray) -> ranking.BlockScorer:
    """Return the block scorer that looks scores [n_users, n_items] up."""
    return lambda users: scores[users].astype(np.float32)


def ranked(
    scores: np.ndarray, users: np.ndarray, candidates: np.ndarray, seen: InteractionSet
) -> HeldOutRanks:
    """Rank the held-out items by scoring all users of a table of scores."""
    ranks = HeldOutRanks(users, candidates, seen)
    everyone = np.arange(len(scores))
    ranking.score_all("a table", of_table(scores), everyone, scores.shape[1], [ranks])
    return ranks


def lists(counts: RankCounts) -> tuple[list[int], list[int], list[int]]:
    """Return candidates, better and tied as plain lists."""
    return counts.n_candidates.tolist(), counts.n_better.tolist(), counts.n_tied.tolist()


def test_both_protocols_by_hand() -> None:
    """Of user 0's unseen items 1, 3, 4, 5 only 1 beats item 2.

    Item 0 would beat it too, but is seen. User 2 holds out item 5 with score 1: 4 beats it, 1 and 2
    tie, 3 is worse, 0 is seen. User 1 is not tested.
    """
    scores = np.array([[5, 4, 3, 2, 1, 0], [9, 9, 9, 9, 9, 9], [1, 1, 1, 0, 2, 1]])
    seen = InteractionSet(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 3, 0, 5]), 6)
    ranks = ranked(scores, np.array([2, 0]), np.array([[5, 4, 1], [2, 4, 5]]), seen)
    assert lists(ranks.sampled) == ([3, 3], [1, 0], [1, 0])
    assert lists(ranks.full) == ([5, 5], [1, 1], [2, 0])


def test_several_held_out_items_by_hand() -> None:
    """User 0 holds out items 0, 2 and 4, with scores 5, 3 and 3, and has seen item 5.

    Item 1 of 4 points is between them, and item 3 of 3 points ties with two. In the sampled lists
    only item 1 competes. User 1 holds out one item, and nothing competes but item 1.
    """
    scores = np.array([[5, 4, 3, 3, 3, 9], [0, 1, 0, 0, 0, 0]])
    seen = InteractionSet(
        np.array([0, 0, 0, 0, 1, 1, 1, 1, 1]), np.array([0, 2, 4, 5, 0, 2, 3, 4, 5]), 6
    )
    users, items = np.array([0, 1, 0, 0]), np.array([4, 3, 0, 2])
    candidates = np.column_stack([items, np.ones(4, int)])
    ranks = ranked(scores, users, candidates, seen)
    assert lists(ranks.full) == ([5, 2, 5, 5], [2, 1, 0, 2], [2, 0, 0, 2])
    assert lists(ranks.sampled) == ([4, 2, 4, 4], [2, 1, 0, 2], [1, 0, 0, 1])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=20))
def test_what_comes_before_and_with_is_counted(drawn: list[tuple[int, int]]) -> None:
    """A loop over all pairs counts the same, in any order of the rows."""
    groups, keys = np.array(drawn, int).reshape(-1, 2).T
    before, together = ranking.count_before_and_with(groups, keys)
    assert before.tolist() == [sum(g == h and j < k for h, j in drawn) for g, k in drawn]
    assert together.tolist() == [drawn.count(pair) for pair in drawn]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[set[int]]]:
    """Draw scores with many ties, test users in any order, their lists, and all seen items."""
    n_users, n_items = draw(st.integers(1, 6)), draw(st.integers(4, 40))
    scores = draw(arrays.arrays(np.int64, (n_users, n_items), elements=st.integers(-3, 3)))
    items = st.integers(0, n_items - 1)
    seen_sets = [draw(st.sets(items, min_size=1, max_size=n_items)) for _ in range(n_users)]
    users = draw(st.lists(st.integers(0, n_users - 1), unique=True))
    candidates = [
        [
            draw(st.sampled_from(sorted(seen_sets[u]))),
            *draw(st.lists(items, min_size=3, max_size=3)),
        ]
        for u in users
    ]
    return scores, np.array(users, int), np.array(candidates, int).reshape(-1, 4), seen_sets


def seen_of(seen_sets: list[set[int]], n_items: int) -> InteractionSet:
    """Return the pairs of all users."""
    pairs = [(user, item) for user, items in enumerate(seen_sets) for item in items]
    return InteractionSet(*np.array(pairs).T, n_items)


@given(worlds())
def test_full_ranks_are_those_of_counting(world) -> None:
    """A loop over items in Python counts the same, whatever is seen, tied and tested."""
    scores, users, candidates, seen_sets = world
    ranks = ranked(scores, users, candidates, seen_of(seen_sets, scores.shape[1]))
    for row, user in enumerate(users):
        own = scores[user, candidates[row, 0]]
        unseen = [s for item, s in enumerate(scores[user]) if item not in seen_sets[user]]
        assert ranks.full.n_candidates[row] == 1 + len(unseen)
        assert ranks.full.n_better[row] == sum(s > own for s in unseen)
        assert ranks.full.n_tied[row] == sum(s == own for s in unseen)
        others = [scores[user, item] for item in candidates[row, 1:]]
        assert ranks.sampled.n_better[row] == sum(s > own for s in others)
        assert ranks.sampled.n_tied[row] == sum(s == own for s in others)


@given(worlds(), st.sampled_from([np.arctan, lambda x: 3 * x - 7, lambda x: x**3]), st.randoms())
def test_ranks_follow_users_and_the_order_of_scores_alone(world, rising, random) -> None:
    """Shuffled test users and any strictly rising function of the scores change nothing."""
    scores, users, candidates, seen_sets = world
    seen = seen_of(seen_sets, scores.shape[1])
    order = np.array(random.sample(range(len(users)), len(users)), int)
    one = ranked(scores, users, candidates, seen)
    other = ranked(rising(scores.astype(float)), users[order], candidates[order], seen)
    for of_one, of_other in ((one.sampled, other.sampled), (one.full, other.full)):
        np.testing.assert_array_equal(of_one.n_better[order], of_other.n_better)
        np.testing.assert_array_equal(of_one.n_tied[order], of_other.n_tied)


@given(worlds(), st.integers(1, 100))
def test_ranks_do_not_depend_on_the_blocks(world, cells: int) -> None:
    """Blocks of one user give the same ranks as one block of all."""
    scores, users, candidates, seen_sets = world
    seen = seen_of(seen_sets, scores.shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "CELLS", cells)
        small = ranked(scores, users, candidates, seen)
    large = ranked(scores, users, candidates, seen)
    assert lists(small.sampled) == lists(large.sampled)
    assert lists(small.full) == lists(large.full)


def test_a_constant_model_hits_as_often_as_chance() -> None:
    """HR@10 is 10 / 100 among sampled items and 10 / 200 among all 199 + 1.

    It is neither 0 nor 1.
    """
    seen = InteractionSet(np.array([0]), np.array([7]), 200)
    candidates = np.arange(7, 107)[None]
    ranks = ranked(np.full((1, 200), 0.25), np.array([0]), candidates, seen)
    for counts, chance in ((ranks.sampled, 0.1), (ranks.full, 0.05)):
        assert rank_gains.expected_hits(counts.n_better, counts.n_tied, 10).tolist() == [chance]


@given(worlds())
def test_a_perfect_model_is_never_beaten(world) -> None:
    """The held-out items score 1 and all others 0, so nothing is better and nothing ties."""
    scores, users, candidates, seen_sets = world
    perfect = np.zeros_like(scores)
    perfect[users, candidates[:, 0]] = 1
    full = ranked(perfect, users, candidates, seen_of(seen_sets, scores.shape[1])).full
    assert not full.n_better.any()
    assert not full.n_tied.any()


def test_each_user_is_scored_once_for_both_protocols() -> None:
    """Sampled and full ranks come from the same scores, which saves half the time."""
    scored: list[int] = []

    def noting(users: np.ndarray) -> np.ndarray:
        scored.extend(users)
        return np.zeros((users.size, 8), np.float32)

    users = np.arange(5)
    ranks = HeldOutRanks(users, np.zeros((5, 2), int), InteractionSet(users, np.zeros(5, int), 8))
    ranking.score_all("a constant", noting, users, 8, [ranks])
    assert sorted(scored) == [0, 1, 2, 3, 4]


def test_scoring_all_items_refuses_nan_and_names_its_position() -> None:
    """NaN would count as worse than everything, so a broken model would look perfect."""
    scores = np.zeros((4, 6))
    scores[2, 3] = scores[3, 0] = np.nan
    message = (
        r"found NaN by ease for 2 of 4 users, the first is user 2, item 3\. Look for .* train it"
    )
    with pytest.raises(ValueError, match=message):
        ranking.score_all("ease", of_table(scores), np.arange(4), 6, [])


def test_scoring_all_items_refuses_a_model_of_other_items() -> None:
    """Six items are asked for, and five are scored."""
    with pytest.raises(ValueError, match=r"by ease must be of 2 users × 6 items, found \(2, 5\)"):
        ranking.score_all("ease", of_table(np.zeros((2, 5))), np.arange(2), 6, [])


def test_a_held_out_item_that_was_not_seen_is_refused() -> None:
    """It would count against itself."""
    seen = InteractionSet(np.array([0, 1]), np.array([2, 3]), 5)
    message = r"found 1 that are not, the first is item 4 of user 1\. Give the interactions of all"
    with pytest.raises(ValueError, match=message):
        HeldOutRanks(np.array([0, 1]), np.array([[2, 0], [4, 0]]), seen)


def test_a_score_of_the_item_alone_is_every_users() -> None:
    """Popularity is such a score.

    Each block is an array of its own, which consumers may write to.
    """
    scores = ranking.same_for_all(np.array([3.0, 1.0, 2.0]))(np.array([7, 4], np.int32))
    assert scores.tolist() == [[3, 1, 2]] * 2
    assert scores.dtype == np.float32
    scores[0, 0] = 9
    assert scores[1, 0] == 3
