"""ItemKNN: an item is scored by how similar it is to those that the user has.

Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", with the cosine
of binary data, and its shrinkage as in Dacrema et al. 2021, "A Troubling Analysis of
Reproducibility and Progress in Recommender Systems Research".
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from ncf_assets.ncf import ranking
from ncf_assets.ncf.histories import histories
from ncf_assets.ncf.recommending import NOTHING, TopUnseen
from ncf_assets.ncf.sampling import Seen

# ours: n items of a user are n² pairs, of which each says the less; MovieLens-1M's longest is 2,314
LONGEST = 3_000


@dataclass(frozen=True)
class ItemKnnSettings:
    """How similarity is measured, and how many others count.

    With |i| the number of users who have item i, and |i, j| that of those who have both, items are
    as similar as |i, j| / (√(|i| |j|) + shrinkage). Each keeps the most similar others. Users who
    have more than LONGEST items are not counted.
    """

    neighbours: int
    shrinkage: float


@dataclass(frozen=True)
class ItemKnn:
    """What was fitted; a user's score for an item is the sum of its similarities to the user's."""

    histories: csr_array  # float32 [n_users, n_items]
    neighbours: np.ndarray  # int32 [n_items, k], NOTHING where there are fewer
    similarities: np.ndarray  # float32 [n_items, k], 0 where there are fewer

    @cached_property
    def weights(self) -> csr_array:
        """Similarity of each item, a column, to its neighbours: float32 [n_items, n_items]."""
        items, places = np.nonzero(self.neighbours != NOTHING)
        cells = self.similarities[items, places], (self.neighbours[items, places], items)
        return csr_array(cells, shape=(len(self.neighbours), len(self.neighbours)))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = (self.histories[users] @ self.weights).toarray()
        return scores


def fit(
    users: np.ndarray, items: np.ndarray, n_users: int, n_items: int, settings: ItemKnnSettings
) -> ItemKnn:
    """Compare every pair of items, of the distinct pairs (users, items, integers [n]).

    Of equally similar neighbours those of the lower numbers stay. ValueError without pairs.
    """
    of_users = histories(users, items, n_users, n_items)
    counted = of_users[np.diff(of_users.indptr) <= LONGEST]  # [users, n_items]
    of_items = csr_array(counted.T)
    lengths = np.sqrt(np.diff(of_items.indptr), dtype=np.float32)

    def similarity(some: np.ndarray) -> np.ndarray:
        common = (of_items[some] @ counted).toarray()  # [b, n_items]
        scale = lengths[some, None] * lengths + np.float32(settings.shrinkage)
        return np.divide(common, scale, out=np.full_like(common, -np.inf), where=common > 0)

    everything = np.arange(n_items, dtype=np.int32)
    top = TopUnseen(everything, Seen(everything, everything, n_items), settings.neighbours)
    ranking.sweep("the similarity of items", similarity, everything, n_items, [top])
    return ItemKnn(of_users, top.items, np.where(top.items == NOTHING, 0, top.scores))
