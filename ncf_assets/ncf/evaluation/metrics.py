"""Compute the metrics of a list in which a user has one relevant item or several.

`rank_gains` has what a single item gains, of which the metrics are made. Ties count by
expectation: items of equal score are in each order with equal chance (McSherry and Najork 2008,
"Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores").
A metric is float64 [users, models], 0 to 1.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ncf_assets.ncf.evaluation import rank_gains
from ncf_assets.ncf.evaluation.ranking import count_before_and_with


@dataclass(frozen=True)
class RelevantItems:
    """Where n models rank the relevant items of users; a row is an item.

    Of the other candidates in the user's list, `n_better` score higher and `n_tied` the same; of
    these, `n_above` and `n_together` are relevant, `n_together` with the item itself: integers
    [items, n] each. `n_candidates` [items] is the length of the list. `starts` [users] says at
    which row each user's items begin.
    """

    starts: np.ndarray
    n_candidates: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray
    n_above: np.ndarray
    n_together: np.ndarray

    @classmethod
    def of(
        cls, users: np.ndarray, n_candidates: np.ndarray, n_better: np.ndarray, n_tied: np.ndarray
    ) -> "RelevantItems":
        """Return the rows of `users`, integers [items], ascending."""
        counts = [count_before_and_with(users, of_model) for of_model in n_better.T]
        above, together = (np.column_stack(columns) for columns in zip(*counts, strict=True))
        starts = np.flatnonzero(np.diff(users, prepend=-1))
        return cls(starts, n_candidates, n_better, n_tied, above, together)

    @cached_property
    def n_relevant(self) -> np.ndarray:
        """The relevant items of each user: integers [users, 1]."""
        return np.diff(self.starts, append=len(self.n_better))[:, None]

    def sums(self, of_items: np.ndarray) -> np.ndarray:
        """Return the sum over the items of each user."""
        if len(self.starts) == len(of_items):  # one each, as by the leave-one-out split
            return of_items
        summed: np.ndarray = np.add.reduceat(of_items, self.starts, axis=0)
        return summed

    def best(self, of_items: np.ndarray) -> np.ndarray:
        """Return the number of each user's best item; such items of equal score have the same."""
        if len(self.starts) == len(of_items):
            return of_items
        best = np.minimum.reduceat(self.n_better, self.starts, axis=0)
        is_best = self.n_better == np.repeat(best, self.n_relevant[:, 0], axis=0)
        highest: np.ndarray = np.maximum.reduceat(np.where(is_best, of_items, -1), self.starts)
        return highest

    def ties_won(self) -> "RelevantItems":
        """Return the rows where relevant items are before all others of the same score."""
        return replace(self, n_tied=self.n_together - 1)

    def ties_lost(self) -> "RelevantItems":
        """Return the rows where relevant items are behind all others of the same score."""
        others = self.n_tied + 1 - self.n_together
        return replace(self, n_better=self.n_better + others, n_tied=self.n_together - 1)


def hit_ratio(items: RelevantItems, k: int) -> np.ndarray:
    """Return the chance that a relevant item is among the first k."""
    return _gain_of_the_first(items, rank_gains.hit_gains(k))


def reciprocal_rank(items: RelevantItems, k: int) -> np.ndarray:
    """Return the expected reciprocal of the first relevant item's rank, 0 beyond k."""
    return _gain_of_the_first(items, rank_gains.reciprocal_gains(k))


def recall(items: RelevantItems, k: int) -> np.ndarray:
    """Return the expected share of the relevant items that is among the first k."""
    found: np.ndarray = _expected_hits(items, k) / items.n_relevant
    return found


def precision(items: RelevantItems, k: int) -> np.ndarray:
    """Return the expected share of the first k places that relevant items have."""
    found: np.ndarray = _expected_hits(items, k) / k
    return found


def ndcg(items: RelevantItems, k: int) -> np.ndarray:
    """Return the expected normalized discounted cumulative gain at k.

    The best that could be is that relevant items have all of the first places.
    """
    ideal = np.cumsum(rank_gains.ndcg_gains(k))[np.minimum(items.n_relevant, k) - 1]
    found: np.ndarray = items.sums(rank_gains.expected_dcg(items.n_better, items.n_tied, k)) / ideal
    return found


def average_precision(items: RelevantItems, k: int) -> np.ndarray:
    """Return the expected mean, over the relevant items, of the precision at their ranks.

    An item beyond k has none. The mean is over as many as k places can hold, as the ideal of NDCG
    is. At rank r of its tie, p places into it, an item has on average 1 relevant item (itself),
    those above, and of the others it ties with as many as chance puts before it.
    """
    denser = (items.n_together - 1) / np.maximum(items.n_tied, 1)  # relevant ones per place
    before = 1 + items.n_above - denser * (items.n_better + 1)  # then `denser` for each rank
    by_rank = rank_gains.expected_reciprocal_rank(items.n_better, items.n_tied, k)
    hits = rank_gains.expected_hits(items.n_better, items.n_tied, k)
    found: np.ndarray = items.sums(before * by_rank + denser * hits)
    mean: np.ndarray = found / np.minimum(items.n_relevant, k)
    return mean


def auc(items: RelevantItems) -> np.ndarray:
    """Return the share of pairs of a relevant item and another that are in the right order.

    A tie counts half. Each list has another item or more.
    """
    better, tied = items.n_better - items.n_above, items.n_tied + 1 - items.n_together
    others = items.n_candidates[:, None] - np.repeat(items.n_relevant, items.n_relevant[:, 0], 0)
    pairs = rank_gains.share_beaten(better, tied, others + 1)
    mean: np.ndarray = items.sums(pairs) / items.n_relevant
    return mean


def _expected_hits(items: RelevantItems, k: int) -> np.ndarray:
    """Return how many relevant items are among the first k."""
    return items.sums(rank_gains.expected_hits(items.n_better, items.n_tied, k))


def _gain_of_the_first(items: RelevantItems, gains: np.ndarray) -> np.ndarray:
    """Return the expected gain of the first relevant item; `gains` are those of ranks 1 … k.

    The places of its tie are looked at one after another: if none before held a relevant item, the
    next one does with the chance `relevant / places left`.
    """
    better = items.best(items.n_better)
    places, relevant = items.best(items.n_tied).ravel() + 1, items.best(items.n_together).ravel()
    found = np.zeros(better.size)
    open_ = np.flatnonzero(better.ravel() < gains.size)
    rank, missed, passed = better.ravel()[open_], np.ones(open_.size), 0
    while open_.size:
        chance = relevant[open_] / (places[open_] - passed)
        found[open_] += missed * chance * gains[rank]
        missed, rank, passed = missed * (1 - chance), rank + 1, passed + 1
        left = (chance < 1) & (rank < gains.size)
        open_, rank, missed = open_[left], rank[left], missed[left]
    return found.reshape(better.shape)
