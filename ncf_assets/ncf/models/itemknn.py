"""Fit ItemKNN: an item is scored by its similarity to the items that the user has.

Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", with the cosine
of binary data, and its shrinkage as in Dacrema et al. 2021, "A Troubling Analysis of
Reproducibility and Progress in Recommender Systems Research". `recommend.item_similarity` compares
items by a network's embeddings instead.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.evaluation_negatives import InteractionSet
from ncf_assets.ncf.models.interaction_matrix import interaction_matrix
from ncf_assets.ncf.recommend.top_k import NO_ITEM, TopUnseen

# chosen: n items of a user are n² pairs, each of which says less; MovieLens-1M's longest is 2,314
LONGEST = 3_000


@dataclass(frozen=True)
class ItemKnnSettings:
    """The measure of similarity, and the number of neighbors that count.

    With |i| the number of users who have item i, and |i, j| that of those who have both, items are
    as similar as |i, j| / (√(|i| |j|) + shrinkage). Each keeps the most similar others. Users who
    have more than LONGEST items are not counted.
    """

    neighbors: int
    shrinkage: float


@dataclass(frozen=True)
class ItemKnn:
    """The fitted model; an item's score is the sum of its similarities to the user's items."""

    interaction_matrix: csr_array  # float32 [n_users, n_items]
    neighbors: np.ndarray  # int32 [n_items, k], NO_ITEM where there are fewer
    similarities: np.ndarray  # float32 [n_items, k], 0 where there are fewer

    @cached_property
    def weights(self) -> csr_array:
        """Similarity of each item, a column, to its neighbors: float32 [n_items, n_items]."""
        items, columns = np.nonzero(self.neighbors != NO_ITEM)
        cells = self.similarities[items, columns], (self.neighbors[items, columns], items)
        return csr_array(cells, shape=(len(self.neighbors), len(self.neighbors)))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = (self.interaction_matrix[users] @ self.weights).toarray()
        return scores


def fit(
    users: np.ndarray, items: np.ndarray, n_users: int, n_items: int, settings: ItemKnnSettings
) -> ItemKnn:
    """Compare every pair of items by the distinct interactions (users, items, integers [n]).

    Of equally similar neighbors those of the lower numbers stay. Raise ValueError without
    interactions.
    """
    of_users = interaction_matrix(users, items, n_users, n_items)
    counted = of_users[np.diff(of_users.indptr) <= LONGEST]  # [users, n_items]
    of_items = csr_array(counted.T)
    lengths = np.sqrt(np.diff(of_items.indptr), dtype=np.float32)

    def similarity(some: np.ndarray) -> np.ndarray:
        common = (of_items[some] @ counted).toarray()  # [b, n_items]
        scale = lengths[some, None] * lengths + np.float32(settings.shrinkage)
        return np.divide(common, scale, out=np.full_like(common, -np.inf), where=common > 0)

    everything = np.arange(n_items, dtype=np.int32)
    top = TopUnseen(everything, InteractionSet(everything, everything, n_items), settings.neighbors)
    ranking.score_all("the similarity of items", similarity, everything, n_items, [top])
    return ItemKnn(of_users, top.items, np.where(top.items == NO_ITEM, 0, top.scores))
