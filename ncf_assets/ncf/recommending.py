"""The best items that a user has not seen, read from the same scores as the exact ranking.

Who is asked for which items is decided by the caller; the pass over all scores is
`ranking.sweep`.
"""

import numpy as np

from ncf_assets.ncf.ranking import Rows
from ncf_assets.ncf.sampling import Seen

NOTHING = -1  # stands where a user has fewer unseen items than asked for
GROUP = 64  # ours: items of which only the best is looked at first


class TopUnseen:
    """Reads the k best unseen items of each user: `items` int32 and `scores` float32 [n, k].

    Best first, equals in the order of their numbers. A user with fewer unseen items has NOTHING
    in the last places, with the score -inf; an item that is scored -inf is not recommended.

    Args:
        users: integers [n], distinct; the rows of the result
        seen: what is not shown to them
        k: length of the lists, 1 or more

    """

    def __init__(self, users: np.ndarray, seen: Seen, k: int) -> None:
        self._seen = seen
        self._k = k
        self._rows = Rows(users)
        self.items = np.full((users.size, k), NOTHING, np.int32)
        self.scores = np.full((users.size, k), -np.inf, np.float32)

    def __call__(self, users: np.ndarray, scores: np.ndarray) -> None:
        """Choose for each of the users; the scores are as before afterwards."""
        seen = self._seen.of(users)
        hidden = scores[seen]
        scores[seen] = -np.inf
        chosen, places, items = best(scores, self._k)
        rows = self._rows.of(users[chosen])
        self.items[rows, places] = items
        self.scores[rows, places] = scores[chosen, items]
        scores[seen] = hidden


def long_form(top: TopUnseen) -> dict[str, np.ndarray]:
    """Columns user, position (from 1), item and score of all lists, without empty places.

    `user` is the row of the list.
    """
    users, places = np.nonzero(top.items != NOTHING)
    return {
        "user": users,
        "position": places + 1,
        "item": top.items[users, places],
        "score": top.scores[users, places],
    }


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The k highest scores above -inf of each row: rows [m], places [m] from 0, items [m].

    `scores` is [b, n_items]. Equals stand in the order of their numbers.
    """
    rows, items = np.divmod(np.flatnonzero(_may_be_best(scores, k)), scores.shape[1])
    order = np.lexsort((items, -scores[rows, items], rows))
    rows, items = rows[order], items[order]
    places = np.arange(rows.size) - np.searchsorted(rows, rows)  # within the row
    chosen = places < k
    return rows[chosen], places[chosen], items[chosen]


def _may_be_best(scores: np.ndarray, k: int) -> np.ndarray:
    """A few items of each row with the k highest among them: bool [b, n_items].

    At least k items reach the k-th highest of the groups' maxima, so it is a bound; to find it
    takes a partition of the groups in place of one of all items.
    """
    b, n_items = scores.shape
    width = int(np.clip(n_items // (8 * k), 1, GROUP))  # with many groups per place it is tight
    n_groups = n_items // width
    grouped = scores[:, : n_groups * width].reshape(b, width, n_groups)
    maxima = grouped.max(axis=1)  # [b, n_groups]
    nth = max(n_groups - k, 0)
    bound = np.partition(maxima, nth, axis=1)[:, nth, None]
    mask: np.ndarray = (scores >= bound) & (scores > -np.inf)
    return mask
