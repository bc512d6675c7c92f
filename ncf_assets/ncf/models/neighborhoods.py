"""Fit neighborhoods: an item is scored by its similarity to the items that the user has.

Three measures of similarity share one search for the most similar items: ItemKNN, BM25 and RP3beta.
`recommend.item_similarity` compares items by a network's embeddings instead.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from scipy.sparse import csc_array, csr_array

from ncf_assets.ncf.evaluation.ranking import CELLS
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.parallel import map_slices
from ncf_assets.ncf.recommend.top_k import NO_ITEM

# chosen: n items of a user are n² pairs, each of which says less; MovieLens-1M's longest is 2,314
LONGEST = 3_000

# (sums by pair, items, others) -> similarities of the items to the others, all [m]
Similarity = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class NeighborhoodSettings(ABC):
    """A measure of similarity, and the number of most similar others that an item keeps.

    `half_life` weighs the user's items when they are scored from, see `Interactions.weights`; the
    similarities are of equal weights.
    """

    neighbors: int
    half_life: float

    @abstractmethod
    def measure(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, Similarity]:
        """Return what a user adds to each pair of own items, and the similarity by these sums.

        `users` [n_users] are the users' numbers of items, `items` [n_items] the items' of users.
        """


@dataclass(frozen=True)
class ItemKnnSettings(NeighborhoodSettings):
    """The cosine of binary data with shrinkage: |i, j| / (√(|i| |j|) + shrinkage).

    |i| is the number of users who have item i, and |i, j| that of those who have both. Sarwar et
    al. 2001, "Item-based collaborative filtering recommendation algorithms"; the shrinkage as in
    Dacrema et al. 2021, "A Troubling Analysis of Reproducibility and Progress in Recommender
    Systems Research".
    """

    shrinkage: float

    def measure(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, Similarity]:
        """Return the weights of users, and the similarity."""
        lengths = np.sqrt(items)

        def similarity(shared: np.ndarray, item: np.ndarray, other: np.ndarray) -> np.ndarray:
            return shared / (lengths[item] * lengths[other] + self.shrinkage)

        return np.ones(users.size), similarity


@dataclass(frozen=True)
class Bm25Settings(NeighborhoodSettings):
    """The product of two items' vectors, weighed by BM25 as documents of users are.

    Users who have much say little (idf = ln(n_items / (1 + |u|))), and items that many have count
    less, the more the larger b: by (k1 + 1) / (k1 (1 - b + b |i| / mean |i|) + 1). Robertson and
    Zaragoza 2009, "The Probabilistic Relevance Framework", in the form of the package implicit.
    """

    k1: float
    b: float

    def measure(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, Similarity]:
        """Return the weights of users, and the similarity."""
        idf = np.log(items.size) - np.log1p(users)
        saturation = self.k1 * (1 - self.b + self.b * items / items.mean())
        weights = (self.k1 + 1) / (saturation + 1)

        def similarity(shared: np.ndarray, item: np.ndarray, other: np.ndarray) -> np.ndarray:
            return shared * weights[item] * weights[other]

        return idf**2, similarity


@dataclass(frozen=True)
class Rp3BetaSettings(NeighborhoodSettings):
    """How often a random walk ends at an item: user, own item, another user of it, that one's item.

    The chances of the last two steps, 1 / |other| and 1 / |user|, are raised to the power of alpha,
    and what comes out is divided by |item| to the power of beta, as popular items are reached from
    everywhere. Paudel et al. 2017, "Updatable, Accurate, Diverse, and Scalable Recommendations for
    Interactive Applications"; the first step is the same for all items of a user.
    """

    alpha: float
    beta: float

    def measure(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, Similarity]:
        """Return the weights of users, and the similarity."""
        popularity = np.maximum(items, 1)  # an item that nobody has is in no pair
        leave, arrive = popularity**-self.alpha, popularity**-self.beta

        def similarity(shared: np.ndarray, item: np.ndarray, other: np.ndarray) -> np.ndarray:
            return shared * leave[other] * arrive[item]

        return np.maximum(users, 1) ** -self.alpha, similarity


@dataclass(frozen=True)
class Neighborhoods:
    """A fitted model; an item's score is the sum of its similarities to the user's items."""

    history: csr_array  # float32 [n_users, n_items]
    neighbors: np.ndarray  # int32 [n_items, k], NO_ITEM where there are fewer
    similarities: np.ndarray  # float32 [n_items, k], 0 where there are fewer

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What is fitted, by name."""
        return {"neighbors": self.neighbors, "similarities": self.similarities}

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


def fitter(interactions: Interactions) -> Callable[[NeighborhoodSettings], Neighborhoods]:
    """Return `fit` for these interactions; settings of one measure in a row are fitted once."""
    similar = lru_cache(maxsize=1)(lambda of: most_similar(interactions, of))
    return lambda settings: Neighborhoods(
        interactions.matrix(settings.half_life), *similar(replace(settings, half_life=0.0))
    )


def fit(interactions: Interactions, settings: NeighborhoodSettings) -> Neighborhoods:
    """Compare every pair of items. Raise ValueError without interactions."""
    return fitter(interactions)(settings)


def most_similar(
    interactions: Interactions, settings: NeighborhoodSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return each item's k most similar others and their similarities, both [n_items, k].

    Users who have more than LONGEST items are not counted. Of equally similar neighbors those of
    the lower numbers stay.
    """
    n_items, of_users = interactions.n_items, counted(interactions)
    of_items = csr_array(of_users.T)
    by_user, similarity = settings.measure(
        np.diff(of_users.indptr).astype(float), np.diff(of_items.indptr).astype(float)
    )
    weighed = csr_array(of_users.multiply(by_user[:, None].astype(np.float32)))
    neighbors = np.full((n_items, settings.neighbors), NO_ITEM, np.int32)
    similarities = np.zeros(neighbors.shape, np.float32)
    # multiplications of each item, and the cells that its neighbors take
    work = of_items @ np.diff(of_users.indptr).astype(float) + settings.neighbors
    ends = np.searchsorted(np.cumsum(work), np.arange(CELLS, work.sum(), CELLS))
    bounds = np.unique(np.concatenate([[0], ends, [n_items]]))

    def search(parts: slice) -> None:
        for start, end in pairwise(bounds[parts.start : parts.stop + 1]):
            shared = of_items[start:end] @ weighed
            items = np.repeat(np.arange(start, end), np.diff(shared.indptr))
            found = similarity(shared.data, items, shared.indices).astype(np.float32)
            found[items == shared.indices] = 0  # no item is its own neighbor
            shared.data = found
            neighbors[start:end], similarities[start:end] = _highest(shared, settings.neighbors)

    map_slices(search, bounds.size - 1, 1)
    return neighbors, similarities


def counted(interactions: Interactions) -> csr_array:
    """Return the users who have at most LONGEST items: float32 [users, n_items].

    Raise ValueError without interactions.
    """
    interactions.check_not_empty()
    of_users = interactions.matrix()
    return of_users[np.diff(of_users.indptr) <= LONGEST]


def _highest(matrix: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns and values of the k highest values above 0 of each row, both [n, k].

    `matrix` is float32 [n, m], without negative values. The highest come first, equals in the order
    of their columns; NO_ITEM and 0 are where there are fewer.
    """
    # the bits of such values are in their order as integers, and those of the column break ties, so
    # that a cell is one number
    bits = matrix.data.view(np.int32).astype(np.int64) << 32
    cells = bits | (matrix.shape[1] - 1 - matrix.indices)
    highest = np.zeros((matrix.shape[0], k), np.int64)
    for row, (start, end) in enumerate(pairwise(matrix.indptr.tolist())):
        own = cells[start:end]
        if own.size > k:
            own.partition(own.size - k)
            own = own[-k:]
        highest[row, : own.size] = own
    highest.sort(axis=1)
    highest = highest[:, ::-1]
    values = (highest >> 32).astype(np.int32).view(np.float32)
    columns = matrix.shape[1] - 1 - (highest & (2**32 - 1))
    return np.where(values > 0, columns, NO_ITEM), values
