"""The largest weights of each item are those for others, and positive."""

import numpy as np
from scipy.sparse import csr_array

from ncf_assets.ncf.models.ease import Ease
from ncf_assets.ncf.models.neighborhoods import Neighborhoods
from ncf_assets.ncf.recommend.item_weights import largest
from ncf_assets.ncf.recommend.top_k import NO_ITEM


def test_the_largest_weights_come_first_without_the_item_itself_or_what_is_not_positive() -> None:
    """Item 0 speaks for 2 most, item 1 for 0 alone, and item 2 for none."""
    weights = np.array([[9, 1, 3, 2], [4, 0, 0, -1], [0, -2, 0, 0], [1, 1, 0, 0]], np.float32)
    top = largest(lambda items: weights[items], 4, 2)
    assert top.items.tolist() == [[2, 3], [0, NO_ITEM], [NO_ITEM, NO_ITEM], [0, 1]]
    assert top.scores[0].tolist() == [3, 2]


def test_weights_are_what_an_item_adds_to_scores() -> None:
    """The score of a user with items 0 and 1 is the sum of both items' weights, in either model."""
    history = csr_array(np.array([[1, 1, 0]], np.float32))
    weights = np.array([[0, 0.5, 0.25], [0.5, 0, 1], [0.25, 1, 0]], np.float32)
    ease = Ease(history, weights)
    neighbors = np.array([[1, 2], [2, 0], [1, NO_ITEM]], np.int32)
    similarities = np.array([[0.5, 0.25], [1, 0.5], [1, 0]], np.float32)
    itemknn = Neighborhoods(history, neighbors, similarities)
    # item 2 does not count item 0 as a neighbor
    for model, expected in ((ease, [0.5, 0.5, 1.25]), (itemknn, [0.5, 0.5, 1])):
        assert model.weights_of(np.array([0, 1])).sum(axis=0).tolist() == expected
        assert model.scores(np.array([0])).tolist() == [expected]
