"""Find the best items that a user has not seen, from the same scores as the exact ranking.

The caller decides for which users; the pass over all scores is
`ncf_assets.ncf.evaluation.ranking.score_all`.
"""

import numpy as np

from ncf_assets.ncf.evaluation.ranking import Rows
from ncf_assets.ncf.interaction_set import InteractionSet

NO_ITEM = -1  # the item at a position that a user has no unseen item for
GROUP = 64  # chosen: items of a group, of which only the best is looked at first


class TopUnseen:
    """A consumer of scores that keeps the k best unseen items of each user.

    `items` int32 [n, k] and `scores` float32 [n, k] have the best first, equals in the order of
    their numbers. A user with fewer unseen items has NO_ITEM at the last positions, with the score
    -inf; an item that is scored -inf is not recommended.

    Args:
        users: integers [n], distinct; the rows of the result
        seen: the items that are not recommended to them
        k: length of the lists, 1 or more

    """

    def __init__(self, users: np.ndarray, seen: InteractionSet, k: int) -> None:
        self._seen = seen
        self._k = k
        self._rows = Rows(users)
        self.items = np.full((users.size, k), NO_ITEM, np.int32)
        self.scores = np.full((users.size, k), -np.inf, np.float32)

    def __call__(self, users: np.ndarray, scores: np.ndarray) -> None:
        """Choose for each of the users, and leave the scores as they were."""
        seen = self._seen.of(users)
        hidden = scores[seen]
        scores[seen] = -np.inf
        chosen, positions, items = best(scores, self._k)
        rows = self._rows.of(users[chosen])
        self.items[rows, positions] = items
        self.scores[rows, positions] = scores[chosen, items]
        scores[seen] = hidden


def long_form(top: TopUnseen) -> dict[str, np.ndarray]:
    """Return the columns user, position (from 1), item and score of all lists, without NO_ITEM.

    `user` is the row of the list.
    """
    users, positions = np.nonzero(top.items != NO_ITEM)
    return {
        "user": users,
        "position": positions + 1,
        "item": top.items[users, positions],
        "score": top.scores[users, positions],
    }


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the k highest scores above -inf of each row: rows [m], positions [m], items [m].

    `scores` is [b, n_items]. Positions count from 0; equals are in the order of their numbers.
    """
    rows, items = np.divmod(np.flatnonzero(_may_be_best(scores, k)), scores.shape[1])
    order = np.lexsort((items, -scores[rows, items], rows))
    rows, items = rows[order], items[order]
    positions = np.arange(rows.size) - np.searchsorted(rows, rows)  # within the row
    chosen = positions < k
    return rows[chosen], positions[chosen], items[chosen]


def _may_be_best(scores: np.ndarray, k: int) -> np.ndarray:
    """Return a few items of each row with the k highest among them: bool [b, n_items].

    At least k items reach the k-th highest of the groups' maxima, so it is a bound. To find it, the
    groups are partitioned instead of all items.
    """
    b, n_items = scores.shape
    width = int(np.clip(n_items // (8 * k), 1, GROUP))  # with many groups per position it is tight
    n_groups = n_items // width
    grouped = scores[:, : n_groups * width].reshape(b, width, n_groups)
    maxima = grouped.max(axis=1)  # [b, n_groups]
    nth = max(n_groups - k, 0)
    bound = np.partition(maxima, nth, axis=1)[:, nth, None]
    mask: np.ndarray = (scores >= bound) & (scores > -np.inf)
    return mask
