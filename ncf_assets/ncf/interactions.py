"""Hold the interactions that a model is fitted to, in each user's order of time.

Later interactions may weigh more. `ncf_assets.orchestration.fits` reads them from the tables of the
splits.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # scipy must not load with the code location
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Room:
    """What the fits of a network have in common: the steps of an epoch, and the room of arrays.

    With room for so many interactions `in_all` and `of_user` they all have the same shapes, for
    which the network is compiled. A fit that needs more has arrays of its own size.
    """

    steps: int
    in_all: int = 0
    of_user: int = 0


@dataclass(frozen=True)
class Interactions:
    """Distinct pairs of user and item, by user, of each user the oldest first; see `of`.

    Users and items are numbered from 0. A user or an item may be without interactions.
    """

    users: np.ndarray  # int32 [n], ascending
    items: np.ndarray  # int32 [n]
    n_users: int
    n_items: int

    @classmethod
    def of(
        cls,
        users: np.ndarray,
        items: np.ndarray,
        n_users: int,
        n_items: int,
        recency: np.ndarray | None = None,
    ) -> "Interactions":
        """Return pairs in any order (integers [n]) in the order that this class asks for.

        `recency`, integers [n], is lower for a later interaction of the same user. Without it, a
        user's order is that of the arguments.
        """
        later_first = np.zeros(users.size) if recency is None else recency
        order = np.lexsort((-later_first, users))
        return cls(users[order].astype(np.int32), items[order].astype(np.int32), n_users, n_items)

    @property
    def n(self) -> int:
        """The number of interactions."""
        return self.users.size

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each user's interactions begin, and the last one's end: int64 [n_users + 1]."""
        counts = np.bincount(self.users, minlength=self.n_users)
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def ages(self) -> np.ndarray:
        """How many interactions of the same user come later: int64 [n], 0 for the last."""
        ages: np.ndarray = self.starts[self.users + 1] - 1 - np.arange(self.n)
        return ages

    def weights(self, half_life: float) -> np.ndarray:
        """Return the weight of each interaction: float32 [n]. It halves with each `half_life`.

        Ages are in interactions of the same user. The weights of a user add up to the user's number
        of interactions, so that long histories count as without weights. A half-life of 0 stands
        for equal weights. In SQL they are computed by `orchestration.factorization`, for MLlib, and
        by the macro `weigh_items`.
        """
        if not half_life:
            return np.ones(self.n, np.float32)
        weights = 0.5 ** (self.ages / half_life)
        counts = np.diff(self.starts)
        totals = np.bincount(self.users, weights, minlength=self.n_users)
        scale = np.divide(counts, totals, out=np.ones(self.n_users), where=counts > 0)
        return (weights * scale[self.users]).astype(np.float32)

    def sum_latest(self, embeddings: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Return the sum over each user's latest items, weighed by age: float32 [n_users, width].

        `embeddings` [n_items, width] are of items, and `age` [k] are the weights of the last item,
        the one before, and so on; items before those count nothing.
        """
        summed = np.zeros((self.n_users, embeddings.shape[1]), np.float32)
        for back, weight in enumerate(age):
            positions = self.starts[1:] - 1 - back
            users = np.flatnonzero(positions >= self.starts[:-1])
            summed[users] += weight * embeddings[self.items[positions[users]]]
        return summed

    def matrix(self, half_life: float = 0) -> "csr_array":
        """Return the weights as a matrix: float32 [n_users, n_items]."""
        from scipy.sparse import csr_array

        cells = self.weights(half_life), (self.users, self.items)
        return csr_array(cells, shape=(self.n_users, self.n_items))

    def check_not_empty(self) -> None:
        """Raise ValueError without interactions."""
        if not self.n:
            raise ValueError("A model needs at least one interaction, got none. Give at least one.")
