"""Similar items are those whose GMF embeddings point in the same direction."""

import numpy as np

from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.recommend.item_similarity import item_vectors, neighbors


def neumf_of(users: list[list[float]], items: list[list[float]], kernel: list[float]):
    """Build a NeuMF with these embeddings and this kernel of the GMF half."""
    model = neumf.build_neumf(len(users), len(items), len(kernel), [2, 2], 0)
    model.get_layer("gmf_user_embedding").set_weights([np.array(users)])
    model.get_layer("gmf_item_embedding").set_weights([np.array(items)])
    fresh, bias = model.get_layer("logit").get_weights()
    fresh[: len(kernel), 0] = kernel
    model.get_layer("logit").set_weights([fresh, bias])
    return model


def test_columns_count_by_how_much_they_move_scores_from_user_to_user() -> None:
    """Users' deviations are 1, 3 and 0, the kernel 3, 1 and 1: columns weigh 3, 3 and 0.

    So the third one, in which the items are opposite, does not count, and the others count alike:
    items 0 and 1 are at 45°, 0 and 2 at 90°, 1 and 2 at 45°.
    """
    model = neumf_of([[1, 3, 5], [-1, -3, 5]], [[2, 0, 9], [1, 1, -9], [0, 4, 9]], kernel=[3, 1, 1])
    vectors = item_vectors(model)
    half = 0.5**0.5
    expected = [[1, half, 0], [half, 1, half], [0, half, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-6)


def test_an_embedding_of_zeros_is_similar_to_nothing() -> None:
    """The similarity is not NaN but 0, as of embeddings at a right angle."""
    vectors = item_vectors(neumf_of([[1, 1], [0, 0]], [[0, 0], [1, 0]], kernel=[1, 1]))
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
