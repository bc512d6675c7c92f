"""A block's logits equal Keras's pair by pair, for every kind and size of network."""

import keras
import numpy as np
import pytest

from ncf_assets.ncf.evaluation import neumf_scorer
from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer
from ncf_assets.ncf.models import neumf

N_USERS = 6
USERS = np.array([4, 0, 5], np.int32)


def gmf(n_items: int) -> keras.Model:
    """Build a GMF of the largest usual width."""
    return neumf.build_gmf(N_USERS, n_items, 128, 1)


def mlp(n_items: int) -> keras.Model:
    """Build an MLP with the paper's tower."""
    return neumf.build_mlp(N_USERS, n_items, [64, 32, 16, 8], 1)


def low_mlp(n_items: int) -> keras.Model:
    """Build an MLP with one hidden layer: only the logit is above the split."""
    return neumf.build_mlp(N_USERS, n_items, [6, 5], 1)


def wide_neumf(n_items: int) -> keras.Model:
    """Build a NeuMF whose halves have their usual sizes."""
    return neumf.build_neumf(N_USERS, n_items, 128, [64, 32, 16, 8], 1)


def odd_neumf(n_items: int) -> keras.Model:
    """Build a NeuMF whose widths divide nothing."""
    return neumf.build_neumf(N_USERS, n_items, 3, [10, 7, 3], 1)


def randomize(model: keras.Model) -> keras.Model:
    """Give a model weights of ordinary size, as after training."""
    generator = np.random.default_rng(7)
    model.set_weights([generator.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def pair_by_pair(model: keras.Model, users: np.ndarray, n_items: int) -> np.ndarray:
    """Return logits [users, items] as Keras computes them."""
    pairs = np.repeat(users, n_items), np.tile(np.arange(n_items, dtype=np.int32), users.size)
    return neumf.scorer(model)(*pairs).reshape(-1, n_items)


@pytest.mark.parametrize("build", [gmf, mlp, low_mlp, wide_neumf, odd_neumf])
@pytest.mark.parametrize("n_items", [1, 53, 10_001])
def test_logits_are_those_of_keras(build, n_items: int) -> None:
    """They agree within float32 rounding, whether or not the items fill a tile."""
    model = randomize(build(n_items))
    scores = block_scorer(model)(USERS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, pair_by_pair(model, USERS, n_items), rtol=1e-5, atol=1e-5)


def test_logits_are_those_of_predict() -> None:
    """The sigmoid of a logit is the probability that `model.predict` gives."""
    model = randomize(odd_neumf(40))
    pairs = {"user": np.repeat(USERS, 40), "item": np.tile(np.arange(40, dtype=np.int32), 3)}
    probability = model.predict(pairs, verbose=0).astype(float).reshape(3, 40)
    expected = np.log(probability / (1 - probability))
    np.testing.assert_allclose(block_scorer(model)(USERS), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cache", [64, 300, 2**19])
def test_tiles_cover_every_item_of_every_user(cache: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tile has a part of a user's items, all of them, or those of several users."""
    monkeypatch.setattr(neumf_scorer, "CACHE", cache)
    monkeypatch.setattr(neumf_scorer, "FEWEST_PAIRS", 1)
    model = randomize(odd_neumf(90))
    expected = pair_by_pair(model, USERS, 90)
    np.testing.assert_allclose(block_scorer(model)(USERS), expected, rtol=1e-5, atol=1e-5)


def test_a_network_that_knows_nothing_ties_all_items() -> None:
    """The tie is exact: weights of 0 leave the bias, in whatever order sums are taken."""
    model = wide_neumf(10_001)
    model.set_weights([np.zeros(w.shape) for w in model.get_weights()])
    model.get_layer("logit").bias.assign([0.25])
    assert set(block_scorer(model)(USERS).ravel()) == {np.float32(0.25)}


@pytest.mark.parametrize("build", [gmf, mlp, odd_neumf])
def test_equal_items_tie_wherever_they_are(build) -> None:
    """Items 0, 700 and 1,000 share their embeddings.

    One of their zeros is negative, which makes no difference.
    """
    model = randomize(build(1_001))
    for layer in model.layers:
        if layer.name.endswith("item_embedding"):
            embeddings = layer.get_weights()[0]
            embeddings[0, 0] = 0.0
            embeddings[[700, 1_000]] = embeddings[0]
            embeddings[700, 0] = -0.0
            layer.set_weights([embeddings])
    scores = block_scorer(model)(USERS)
    assert (scores[:, [700, 1_000]] == scores[:, :1]).all()
    np.testing.assert_allclose(scores, pair_by_pair(model, USERS, 1_001), rtol=1e-5, atol=1e-5)


def test_a_collapsed_network_ties_all_items() -> None:
    """All items have the same embeddings, and the other weights do not matter."""
    model = randomize(wide_neumf(5_000))
    for layer in model.layers:
        if layer.name.endswith("item_embedding"):
            layer.set_weights([np.repeat(layer.get_weights()[0][:1], 5_000, axis=0)])
    assert [len(set(row)) for row in block_scorer(model)(USERS)] == [1, 1, 1]


def test_a_dead_tower_ties_all_items() -> None:
    """If the last hidden units of an MLP are all 0, the bias remains, as it does in Keras."""
    model = randomize(mlp(10_001))
    model.get_layer("mlp_hidden_3").bias.assign(np.full(8, -1e6))
    assert len(set(block_scorer(model)(USERS).ravel())) == 1


def test_nan_reaches_the_scores() -> None:
    """ReLU does not turn an undefined weight into 0, so `score_all` refuses the scores."""
    model = randomize(mlp(10))
    embeddings = model.get_layer("mlp_item_embedding").embeddings
    embeddings.assign(np.where(np.arange(10)[:, None] == 4, np.nan, embeddings.numpy()))
    assert np.flatnonzero(np.isnan(block_scorer(model)(USERS)).any(axis=0)).tolist() == [4]


def test_other_activations_are_refused() -> None:
    """The scorer's formula is that of ReLU."""
    model = mlp(3)
    model.get_layer("mlp_hidden_2").activation = keras.activations.tanh
    with pytest.raises(
        ValueError, match=r"activation relu, found tanh in mlp_hidden_2\. Add it to neumf_scorer\."
    ):
        block_scorer(model)
