"""Look up which items a user has seen."""

import numpy as np


class InteractionSet:
    """A set of (user, item) pairs; how often a pair is given does not matter.

    `users` and `items` are integers [n]. An item outside 0 … n_items - 1 raises ValueError.
    """

    def __init__(self, users: np.ndarray, items: np.ndarray, n_items: int) -> None:
        outside = items[(items < 0) | (items >= n_items)]
        if outside.size:
            raise ValueError(
                f"Items must be numbered from 0 to {n_items - 1}, found {outside[0]}."
                " Give the number of items of the id map that numbered them."
            )
        self.n_items = n_items
        pairs = np.sort(users.astype(np.int64) * n_items + items)  # user-major
        # numpy.unique, which hashes, takes 50 times as long
        self.pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: pairs.size]]
        self._searched = np.append(self.pairs, np.iinfo(np.int64).max)  # so that a search ends

    def contains(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return whether the user has seen the item: bool, of the shape that both broadcast to."""
        keys = users.astype(np.int64) * self.n_items + items
        found: np.ndarray = self._searched[np.searchsorted(self._searched, keys)] == keys
        return found

    def first(self, users: np.ndarray) -> np.ndarray:
        """Return where in `pairs` each user's items begin: int64, of the shape of `users`."""
        begin: np.ndarray = np.searchsorted(self.pairs, users.astype(np.int64) * self.n_items)
        return begin

    def of(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the items of each user: rows of `users` in order int64 [k], items int64 [k]."""
        begin, end = self.first(users), self.first(users + 1)
        rows = np.repeat(np.arange(users.size), end - begin)
        within_row = np.arange(rows.size) - np.searchsorted(rows, rows)
        return rows, self.pairs[begin[rows] + within_row] % self.n_items

    def n_unseen(self, users: np.ndarray) -> np.ndarray:
        """Return how many items each user has not seen: int64, of the shape of `users`."""
        n_unseen: np.ndarray = self.n_items - (self.first(users + 1) - self.first(users))
        return n_unseen

    def check_unseen(self, users: np.ndarray, n: int, remedy: str) -> None:
        """Raise ValueError if one of `users` has fewer than n unseen items.

        `remedy` is the sentence with which the message ends; {} in it is the least number.
        """
        n_unseen = self.n_unseen(users)
        few = np.unique(users[n_unseen < n])
        if few.size:
            least = int(n_unseen.argmin())
            some = "1 user has" if few.size == 1 else f"{few.size} users have"
            raise ValueError(
                f"{some} fewer than {n} unseen items; user {users[least]} has"
                f" {n_unseen[least]}, which is the least. {remedy.format(n_unseen[least])}"
            )
