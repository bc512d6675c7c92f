"""Fit ItemKNN: an item is scored by its similarity to the items that the user has.

Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", with the cosine
of binary data, and its shrinkage as in Dacrema et al. 2021, "A Troubling Analysis of
Reproducibility and Progress in Recommender Systems Research". `recommend.item_similarity` compares
items by a network's embeddings instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.sparse import csc_array, csr_array

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.evaluation_negatives import InteractionSet
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.recommend.top_k import NO_ITEM, TopUnseen

# chosen: n items of a user are n² pairs, each of which says less; MovieLens-1M's longest is 2,314
LONGEST = 3_000


@dataclass(frozen=True)
class ItemKnnSettings:
    """The measure of similarity, and the number of neighbors that count.

    With |i| the number of users who have item i, and |i, j| that of those who have both, items are
    as similar as |i, j| / (√(|i| |j|) + shrinkage). Each keeps the most similar others. Users who
    have more than LONGEST items are not counted. `half_life` weighs the user's items when they are
    scored from, see `Interactions.weights`.
    """

    neighbors: int
    shrinkage: float
    half_life: float


@dataclass(frozen=True)
class ItemKnn:
    """The fitted model; an item's score is the sum of its similarities to the user's items."""

    history: csr_array  # float32 [n_users, n_items]
    neighbors: np.ndarray  # int32 [n_items, k], NO_ITEM where there are fewer
    similarities: np.ndarray  # float32 [n_items, k], 0 where there are fewer

    @cached_property
    def weights(self) -> csr_array:
        """Similarity of each item, a column, to its neighbors: float32 [n_items, n_items]."""
        known, n_items = self.neighbors != NO_ITEM, len(self.neighbors)
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(known, axis=1))]).astype(np.int32)
        columns = self.similarities[known], self.neighbors[known], starts
        # by column first: the place of each cell, in integers of 8 bytes, would fill 2 GB of 50,000
        # items with 800 neighbors each
        return csc_array(columns, shape=(n_items, n_items)).tocsr()

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        scores: np.ndarray = (self.history[users] @ self.weights).toarray()
        return scores

    def weights_of(self, items: np.ndarray) -> np.ndarray:
        """Return what items add to the scores of all: items int32 [b] -> float32 [b, n_items]."""
        weights: np.ndarray = self.weights[items].toarray()
        return weights


def fitter(interactions: Interactions) -> Callable[[ItemKnnSettings], ItemKnn]:
    """Return `fit` for these interactions; settings of one similarity in a row are fitted once."""
    similar = lru_cache(maxsize=1)(lambda k, shrinkage: _most_similar(interactions, k, shrinkage))
    return lambda settings: ItemKnn(
        interactions.matrix(settings.half_life), *similar(settings.neighbors, settings.shrinkage)
    )


def fit(interactions: Interactions, settings: ItemKnnSettings) -> ItemKnn:
    """Compare every pair of items. Raise ValueError without interactions."""
    return fitter(interactions)(settings)


def _most_similar(
    interactions: Interactions, k: int, shrinkage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return each item's k most similar others and their similarities, both [n_items, k].

    Of equally similar neighbors those of the lower numbers stay.
    """
    interactions.check_not_empty()
    n_items, of_users = interactions.n_items, interactions.matrix()
    counted = of_users[np.diff(of_users.indptr) <= LONGEST]  # [users, n_items]
    of_items = csr_array(counted.T)
    lengths = np.sqrt(np.diff(of_items.indptr), dtype=np.float32)

    def similarity(some: np.ndarray) -> np.ndarray:
        common = (of_items[some] @ counted).toarray()  # [b, n_items]
        scale = lengths[some, None] * lengths + np.float32(shrinkage)
        return np.divide(common, scale, out=np.full_like(common, -np.inf), where=common > 0)

    everything = np.arange(n_items, dtype=np.int32)
    top = TopUnseen(everything, InteractionSet(everything, everything, n_items), k)
    ranking.score_all("the similarity of items", similarity, everything, n_items, [top])
    return top.items, np.where(top.items == NO_ITEM, 0, top.scores)
