"""The models compute the paper's formulas, and any Keras loads them again."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ncf_assets.ncf.models import neumf

N_USERS, N_ITEMS = 5, 7
PAIRS = {
    "user": np.repeat(np.arange(N_USERS, dtype=np.int32), N_ITEMS),
    "item": np.tile(np.arange(N_ITEMS, dtype=np.int32), N_USERS),
}


def gmf(seed: int = 1, factors: int = 3) -> keras.Model:
    """Build a small GMF."""
    return neumf.build_gmf(N_USERS, N_ITEMS, factors, seed)


def mlp(seed: int = 1) -> keras.Model:
    """Build a small MLP."""
    return neumf.build_mlp(N_USERS, N_ITEMS, [8, 4, 2], seed)


def both(seed: int = 1) -> keras.Model:
    """Build a NeuMF of the same sizes."""
    return neumf.build_neumf(N_USERS, N_ITEMS, 3, [8, 4, 2], seed)


def logits_of(model: keras.Model) -> np.ndarray:
    """Return the logits of all pairs of users and items."""
    return neumf.scorer(model)(PAIRS["user"], PAIRS["item"])


def randomize(model: keras.Model, seed: int) -> keras.Model:
    """Give a model weights of ordinary size, as after training."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_gmf_weighs_the_product_of_two_embeddings() -> None:
    """User (1, 2), item (3, 4), kernel (5, -6), bias 0.5: 15 - 48 + 0.5 = -32.5."""
    model = neumf.build_gmf(1, 1, 2, 0)
    model.set_weights(
        [np.array([[1, 2]]), np.array([[3, 4]]), np.array([[5], [-6]]), np.array([0.5])]
    )
    zero = np.zeros(1, np.int32)
    assert neumf.scorer(model)(zero, zero).tolist() == [-32.5]


def test_mlp_is_a_relu_tower_over_both_embeddings() -> None:
    """Embeddings (1), (2); hidden relu(1 + 2 - 1), relu(-1 + 0) = (2, 0); logit 3 · 2 + 0.25."""
    model = neumf.build_mlp(1, 1, [2, 2], 0)
    model.get_layer("mlp_user_embedding").set_weights([np.array([[1.0]])])
    model.get_layer("mlp_item_embedding").set_weights([np.array([[2.0]])])
    hidden = np.array([[1.0, -1.0], [1.0, 0.0]]), np.array([-1.0, 0.0])  # kernel, bias
    model.get_layer("mlp_hidden_1").set_weights(list(hidden))
    model.get_layer("logit").set_weights([np.array([[3.0], [9.0]]), np.array([0.25])])
    zero = np.zeros(1, np.int32)
    assert neumf.scorer(model)(zero, zero).tolist() == [6.25]


def test_neumf_has_embeddings_for_each_half() -> None:
    """Section 3.4: the halves share nothing, so they may have different widths."""
    shapes = {
        layer.name: tuple(layer.embeddings.shape)
        for layer in both().layers
        if isinstance(layer, keras.layers.Embedding)
    }
    assert shapes == {
        "gmf_user_embedding": (N_USERS, 3),
        "gmf_item_embedding": (N_ITEMS, 3),
        "mlp_user_embedding": (N_USERS, 4),
        "mlp_item_embedding": (N_ITEMS, 4),
    }


@pytest.mark.parametrize("layers", [[], [8], [7, 4]])
def test_a_tower_needs_an_even_first_width_and_a_hidden_layer(layers: list[int]) -> None:
    """User and item share the first width equally.

    Training and ranking look for a second.
    """
    with pytest.raises(
        ValueError, match=r"hidden layers, found \[.*\]\. Give for example \[64, 32"
    ):
        neumf.build_mlp(N_USERS, N_ITEMS, layers, 1)


def test_equal_seeds_give_equal_weights() -> None:
    """Every initializer has a seed of its own that follows from the given one."""
    assert neumf.weights_hash(both(1)) == neumf.weights_hash(both(1))
    assert neumf.weights_hash(both(1)) != neumf.weights_hash(both(2))


def test_the_halves_start_with_different_embeddings() -> None:
    """Initial weights are named, so equal shapes do not mean equal numbers."""
    model = neumf.build_neumf(N_USERS, N_USERS, 4, [8, 4], 1)
    starts = [w for w in model.get_weights() if w.shape == (N_USERS, 4)]
    assert len({w.tobytes() for w in starts}) == 4


@pytest.mark.parametrize(("half", "deviation"), [("gmf", 0.1), ("mlp", 0.01)])
def test_embeddings_start_with_the_deviation_of_their_half(half: str, deviation: float) -> None:
    """They are Gaussian with mean 0; 80,000 numbers determine the deviation to 0.5 %."""
    model = neumf.build_neumf(10_000, 1, 8, [16, 8], 1)
    values = model.get_layer(f"{half}_user_embedding").get_weights()[0]
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert values.mean() == pytest.approx(0, abs=deviation / 50)


def test_probability_is_the_sigmoid_of_the_logit() -> None:
    """The model's own output is a probability, [batch, 1]."""
    model = randomize(both(), 3)
    expected = 1 / (1 + np.exp(-logits_of(model)))
    np.testing.assert_allclose(model(PAIRS).numpy()[:, 0], expected, rtol=1e-4, atol=1e-6)


def test_logits_tell_apart_what_probabilities_do_not() -> None:
    """Logits 40 and 60 both have probability 1.0 in float32, and would tie."""
    model = neumf.build_gmf(1, 2, 1, 0)
    weights = [[[1.0]], [[40.0], [60.0]], [[1.0]], [0.0]]
    model.set_weights([np.array(w) for w in weights])
    pairs = {"user": np.zeros(2, np.int32), "item": np.arange(2, dtype=np.int32)}
    assert model(pairs).numpy()[:, 0].tolist() == [1.0, 1.0]
    assert neumf.scorer(model)(pairs["user"], pairs["item"]).tolist() == [40.0, 60.0]


def test_a_scorer_follows_the_model() -> None:
    """It shares the model's weights, so it scores by the trained ones."""
    model = gmf()
    score = neumf.scorer(model)
    randomize(model, 4)
    assert (score(PAIRS["user"], PAIRS["item"]) == logits_of(model)).all()


def test_an_unknown_item_is_refused() -> None:
    """Item 7 of 7 has no embedding."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="7 is not in"):
        neumf.scorer(gmf())(np.array([0], np.int32), np.array([N_ITEMS], np.int32))


@pytest.mark.parametrize("build", [gmf, mlp, both])
def test_a_model_knows_its_size(build) -> None:
    """The size is the number of users and of items, for each kind of model."""
    assert neumf.size(build()) == (N_USERS, N_ITEMS)


def test_the_hash_follows_every_weight() -> None:
    """A model with one changed bias is another model."""
    model = gmf()
    before = neumf.weights_hash(model)
    model.get_layer("logit").bias.assign([1e-6])
    assert neumf.weights_hash(model) != before


def test_the_difference_is_the_largest_of_any_pair() -> None:
    """A bias moved by 0.5 moves every logit by 0.5."""
    one, two = gmf(), gmf()
    assert neumf.difference(one, two, 20) == 0
    two.get_layer("logit").bias.assign([0.5])
    assert neumf.difference(one, two, 20) == pytest.approx(0.5)


def test_the_difference_to_a_broken_model_is_undefined() -> None:
    """NaN is never 0, even between two models that are broken alike."""
    one = gmf()
    one.get_layer("logit").bias.assign([np.nan])
    assert np.isnan(neumf.difference(one, one, 20))


@pytest.mark.parametrize("build", [gmf, mlp, both])
def test_a_saved_model_comes_back(build, tmp_path: Path) -> None:
    """Saved and loaded, all weights and logits are the same bits."""
    model = randomize(build(), 5)
    model.save(tmp_path / "model.keras")
    loaded = neumf.load(tmp_path / "model.keras")
    assert neumf.weights_hash(loaded) == neumf.weights_hash(model)
    assert (logits_of(loaded) == logits_of(model)).all()


STOCK = """
import json, sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])  # safe mode, the default
users, items = np.meshgrid(np.arange(5), np.arange(7), indexing="ij")
predicted = model.predict({"user": users.ravel(), "item": items.ravel()}, verbose=0)
assert not any(name.startswith("ncf_assets") for name in sys.modules)
print(json.dumps(predicted[:, 0].tolist()))
"""


@pytest.mark.process
def test_stock_keras_loads_a_model_without_this_package(tmp_path: Path) -> None:
    """Another process with Keras alone predicts the same probabilities."""
    model = randomize(both(), 6)
    model.save(tmp_path / "model.keras")
    stock = subprocess.run(
        [sys.executable, "-c", STOCK, str(tmp_path / "model.keras")],
        check=True,
        capture_output=True,
        text=True,
    )
    predicted = json.loads(stock.stdout.splitlines()[-1])
    np.testing.assert_allclose(predicted, model(PAIRS).numpy()[:, 0], rtol=1e-5)
