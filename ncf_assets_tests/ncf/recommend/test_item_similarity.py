"""Similar items are those whose embeddings have the largest mean cosine."""

import numpy as np

from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.recommend.item_similarity import item_vectors, neighbors


def neumf_of(gmf_items: list[list[float]], mlp_items: list[list[float]]):
    """Build a NeuMF with these item embeddings."""
    model = neumf.build_neumf(1, len(gmf_items), len(gmf_items[0]), [2 * len(mlp_items[0]), 2], 0)
    model.get_layer("gmf_item_embedding").set_weights([np.array(gmf_items)])
    model.get_layer("mlp_item_embedding").set_weights([np.array(mlp_items)])
    return model


def test_similarity_is_the_mean_of_both_halves_cosines() -> None:
    """In GMF items 0 and 1 are parallel, 2 is opposite; in MLP 0 and 2 are, 1 is at a right angle.

    So 0 and 1: (1 + 0) / 2; 0 and 2: (-1 + 1) / 2; 1 and 2: (-1 + 0) / 2.
    """
    model = neumf_of([[1, 2], [10, 20], [-3, -6]], [[0, 4], [1, 0], [0, 0.5]])
    vectors = item_vectors(model)
    expected = [[1, 0.5, 0], [0.5, 1, -0.5], [0, -0.5, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-6)


def test_an_embedding_of_zeros_is_similar_to_nothing() -> None:
    """The similarity is not NaN but 0, as of embeddings at a right angle."""
    vectors = item_vectors(neumf_of([[0, 0], [1, 0]], [[0, 0], [0, 1]]))
    assert (vectors @ vectors.T)[0].tolist() == [0, 0]


def test_neighbors_leave_the_item_itself_out() -> None:
    """Items are on a circle at 0°, 10°, 30° and 180°; of two neighbors the nearest is first."""
    angles = np.radians([0, 10, 30, 180])
    top = neighbors(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32), 2)
    assert top.items.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_allclose(top.scores[0], np.cos(np.radians([10, 30])), rtol=1e-6)


def test_no_similarity_exceeds_one() -> None:
    """The items are copies of one vector, of length 1 up to rounding."""
    vector = np.full((1, 160), 160**-0.5, np.float32)
    assert neighbors(np.repeat(vector, 50, axis=0), 3).scores.max() <= 1
