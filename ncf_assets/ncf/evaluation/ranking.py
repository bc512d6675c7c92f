"""Rank each held-out item, among its sampled candidates and among all unseen items.

Scores come from a block scorer, a function of users alone, so this module knows no network;
`neumf_scorer` makes a block scorer of a network. Other consumers of the same scores, such as
`recommend.top_k`, join the pass. `metrics` turns ranks into gains.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.parallel import map_slices

# users int32 [b] -> scores, floats [b, n_items], a new array; higher is better. It is called from
# several threads at once. Apart from rounding, a user's scores do not depend on the block's others.
BlockScorer = Callable[[np.ndarray], np.ndarray]
# (users int32 [b], scores [b, n_items]); it is called once for each user, from several threads
ScoreConsumer = Callable[[np.ndarray, np.ndarray], None]

CELLS = 2**20  # chosen: scores of a block, 4 MB; blocks of a few threads fit a last-level cache


class Rows:
    """The rows of results: one for each of the distinct `users`, integers [n], in order."""

    def __init__(self, users: np.ndarray) -> None:
        self._row = np.full(users.max(initial=-1) + 2, -1)  # the last one is for all users beyond
        self._row[users] = np.arange(users.size)

    def of(self, users: np.ndarray) -> np.ndarray:
        """Return the row of each user: int64, of the shape of `users`; -1 for one without a row."""
        rows: np.ndarray = self._row[np.minimum(users, self._row.size - 1)]
        return rows


@dataclass(frozen=True)
class RankCounts:
    """How many of a list's other candidates beat and tie a held-out item: int32 [m] each.

    `n_candidates` is the length of the list, the held-out item included.
    """

    n_candidates: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray

    def by_chance(self) -> "RankCounts":
        """Return the counts of the same lists under equal scores: nothing is better, all tie.

        By expectation over ties, each rank is as likely as any other, as it is by random scores.
        """
        return RankCounts(self.n_candidates, np.zeros_like(self.n_better), self.n_candidates - 1)


class HeldOutRanks:
    """A consumer of scores that counts `sampled` and `full` ranks, row by row.

    The full list of a user is the held-out items and all items that the user has not seen; the
    sampled one is the held-out items and the negatives.

    Args:
        users: integers [m]; a user has a row for each held-out item
        candidates: integers [m, 1 + c], the held-out item at column 0, then the user's negatives
        seen: the pairs of all splits, with each user's held-out ones

    Raises:
        ValueError: a held-out item is not among the seen ones.

    """

    def __init__(self, users: np.ndarray, candidates: np.ndarray, seen: InteractionSet) -> None:
        _check_held_out(users, candidates, seen)
        self._candidates = candidates
        self._seen = seen
        self._order = np.argsort(users, kind="stable")  # the rows of each user side by side
        self._users = users[self._order]
        first, last = self._places_of(users)
        self.sampled = _unknown((candidates.shape[1] - 1 + last - first).astype(np.int32))
        self.full = _unknown((seen.n_unseen(users) + last - first).astype(np.int32))

    def __call__(self, users: np.ndarray, scores: np.ndarray) -> None:
        """Count for those of the users who have a held-out item."""
        first, last = self._places_of(users)
        block = np.repeat(np.arange(users.size), last - first)  # the users of the rows
        nth = np.arange(block.size) - np.searchsorted(block, block)  # which of the user's rows
        rows = self._order[first[block] + nth]
        own = scores[block, self._candidates[rows, 0]]
        before, together = count_before_and_with(block, -own)
        for counts in (self.sampled, self.full):
            counts.n_better[rows], counts.n_tied[rows] = before, together - 1
        for n in range(nth.max(initial=-1) + 1):  # so that a user is there once
            ones = nth == n
            self._count_others(users, scores, block[ones], rows[ones])

    def _count_others(
        self, users: np.ndarray, scores: np.ndarray, block: np.ndarray, rows: np.ndarray
    ) -> None:
        """Add what is not held out, for a row of each of the users users[block]."""
        of_users = scores if block.size == users.size else scores[block]
        of_lists = np.take_along_axis(of_users, self._candidates[rows], axis=1)
        among_sampled = count_better_and_tied(of_lists)
        among_unseen = _among_unseen(of_users, of_lists[:, 0], *self._seen.of(users[block]))
        for counts, (better, tied) in ((self.sampled, among_sampled), (self.full, among_unseen)):
            counts.n_better[rows] += better
            counts.n_tied[rows] += tied

    def _places_of(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where in the order each user's rows begin and end: int64, shaped as `users`."""
        return np.searchsorted(self._users, users), np.searchsorted(self._users, users, "right")


def score_all(
    model: str,
    scorer: BlockScorer,
    users: np.ndarray,
    n_items: int,
    consumers: Sequence[ScoreConsumer],
) -> None:
    """Score all items for each of `users` once, on all cores, and call each consumer with them.

    A few blocks of CELLS scores are in memory at a time. Raise ValueError for NaN, which neither
    beats nor equals anything, and for scores of another shape; `model` is the name in the message.
    """
    users = users.astype(np.int32)

    def score(part: slice) -> None:
        scores = scorer(users[part])
        _check_scores(model, users[part], scores, n_items)
        for consume in consumers:
            consume(users[part], scores)

    map_slices(score, users.size, users_of_block(n_items))


def users_of_block(n_items: int) -> int:
    """Return how many users a scorer is asked for at a time."""
    return max(1, CELLS // n_items)


def same_for_all(scores: np.ndarray) -> BlockScorer:
    """Return the scorer that gives each user the items' own scores, floats [n_items]."""
    return lambda users: np.repeat(scores[None].astype(np.float32), users.size, axis=0)


def count_better_and_tied(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the other candidates that beat, and that equal, the held-out item: int32 [n] each.

    `scores` is [n, c], with the held-out item at column 0. Nothing is rounded: scores are equal
    only if all bits are. Raise ValueError for NaN, which neither beats nor equals anything.
    """
    undefined = np.flatnonzero(np.isnan(scores).any(axis=1))
    if undefined.size:
        raise ValueError(
            f"Scores must be numbers, found NaN in {undefined.size} of {len(scores)} rows, the"
            f" first is row {undefined[0]}. Look for the cause in the model and train it again."
        )
    held_out, others = scores[:, :1], scores[:, 1:]
    better = (others > held_out).sum(axis=1, dtype=np.int32)
    tied = (others == held_out).sum(axis=1, dtype=np.int32)
    return better, tied


def count_before_and_with(groups: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the others of a group with a lower key, and all with the same: int64 [n] each.

    `groups` are integers [n], `keys` numbers [n]. A key counts as the same as itself.
    """
    order = np.lexsort((keys, groups))
    new_group = _changes(groups[order])
    new_key = new_group | _changes(keys[order])
    first_of_group, first_of_key = np.flatnonzero(new_group), np.flatnonzero(new_key)
    nth_group, nth_key = np.cumsum(new_group) - 1, np.cumsum(new_key) - 1
    before, together = np.empty((2, groups.size), np.int64)
    before[order] = first_of_key[nth_key] - first_of_group[nth_group]
    together[order] = np.diff(first_of_key, append=groups.size)[nth_key]
    return before, together


def _changes(values: np.ndarray) -> np.ndarray:
    """Return whether each value differs from the one before it; the first does: bool [n]."""
    return np.append(True, values[1:] != values[:-1])[: values.size]


def _among_unseen(
    scores: np.ndarray, held_out: np.ndarray, seen_rows: np.ndarray, seen_items: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count as `count_better_and_tied` does, among all items of a row less the seen ones.

    Held-out items are among the seen ones, so none counts against itself or another.
    """
    counts = []
    seen = scores[seen_rows, seen_items]
    for compare in (np.greater, np.equal):
        of_all = _count_true(compare(scores, held_out[:, None]))
        against = compare(seen, held_out[seen_rows])
        counts.append(of_all - np.bincount(seen_rows[against], minlength=len(scores)))
    return counts[0], counts[1]


def _count_true(mask: np.ndarray) -> np.ndarray:
    # row by row, as numpy counts contiguous arrays ten times faster than along an axis
    return np.array([np.count_nonzero(row) for row in mask], np.int64)


def _unknown(n_candidates: np.ndarray) -> RankCounts:
    return RankCounts(n_candidates, *(np.full(n_candidates.size, -1, np.int32) for _ in range(2)))


def _check_held_out(users: np.ndarray, candidates: np.ndarray, seen: InteractionSet) -> None:
    missing = np.flatnonzero(~seen.contains(users, candidates[:, 0]))
    if missing.size:
        raise ValueError(
            "Held-out items must be among the interactions of their users, found"
            f" {missing.size} that are not, the first is item {candidates[missing[0], 0]} of user"
            f" {users[missing[0]]}. Give the interactions of all splits."
        )


def _check_scores(model: str, users: np.ndarray, scores: np.ndarray, n_items: int) -> None:
    if scores.shape != (users.size, n_items):
        raise ValueError(
            f"Scores by {model} must be of {users.size} users × {n_items} items, found"  # noqa: RUF001
            f" {scores.shape}. Give the model of this data set."
        )
    undefined = np.flatnonzero(np.isnan(scores.max(axis=1)))  # one NaN makes the maximum NaN
    if undefined.size:
        row = undefined[0]
        raise ValueError(
            f"Scores must be numbers, found NaN by {model} for {undefined.size} of {users.size}"
            f" users, the first is user {users[row]}, item {np.isnan(scores[row]).argmax()}."
            " Look for the cause in the model and train it again."
        )
