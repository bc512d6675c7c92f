"""Similar items are those whose embeddings have the largest mean cosine."""

import numpy as np

from ncf_assets.ncf import neumf
from ncf_assets.ncf.similarity import item_vectors, neighbours


def neumf_of(gmf_items: list[list[float]], mlp_items: list[list[float]]):
    """A NeuMF with these item embeddings."""
    model = neumf.build_neumf(1, len(gmf_items), len(gmf_items[0]), [2 * len(mlp_items[0]), 2], 0)
    model.get_layer("gmf_item_embedding").set_weights([np.array(gmf_items)])
    model.get_layer("mlp_item_embedding").set_weights([np.array(mlp_items)])
    return model


def test_similarity_is_the_mean_of_both_halves_cosines() -> None:
    """GMF: items 0 and 1 parallel, 2 opposite; MLP: 0 and 2 parallel, 1 at a right angle.

    So 0 and 1: (1 + 0) / 2; 0 and 2: (-1 + 1) / 2; 1 and 2: (-1 + 0) / 2.
    """
    model = neumf_of([[1, 2], [10, 20], [-3, -6]], [[0, 4], [1, 0], [0, 0.5]])
    vectors = item_vectors(model)
    expected = [[1, 0.5, 0], [0.5, 1, -0.5], [0, -0.5, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-6)


def test_an_embedding_of_zeros_is_similar_to_nothing() -> None:
    """Not NaN: in both halves it stands at a right angle to all."""
    vectors = item_vectors(neumf_of([[0, 0], [1, 0]], [[0, 0], [0, 1]]))
    assert (vectors @ vectors.T)[0].tolist() == [0, 0]


def test_neighbours_leave_the_item_itself_out() -> None:
    """On a circle: at 0°, 10°, 30° and 180°; of two asked, the nearest first."""
    angles = np.radians([0, 10, 30, 180])
    top = neighbours(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32), 2)
    assert top.items.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_allclose(top.scores[0], np.cos(np.radians([10, 30])), rtol=1e-6)


def test_no_similarity_exceeds_one() -> None:
    """Many copies of one vector of length 1 but for rounding."""
    vector = np.full((1, 160), 160**-0.5, np.float32)
    assert neighbours(np.repeat(vector, 50, axis=0), 3).scores.max() <= 1
