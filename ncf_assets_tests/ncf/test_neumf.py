"""The three networks: shapes, initial values, pre-training, saving."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from ncf_assets.ncf import neumf

SIZES = (7, 11)  # users, items
LAYERS = [8, 4, 2]
PAIRS = {"user": np.array([0, 3, 6], np.int32), "item": np.array([10, 5, 0], np.int32)}


def all_three(seed: int = 1) -> tuple[keras.Model, keras.Model, keras.Model]:
    """GMF, MLP and NeuMF that fit each other, with output layers that are not near zero."""
    gmf = neumf.build_gmf(*SIZES, 3, seed)
    mlp = neumf.build_mlp(*SIZES, LAYERS, seed)
    for model in (gmf, mlp):
        for layer in model.layers:
            layer.set_weights([10 * weight + 0.1 for weight in layer.get_weights()])
    return gmf, mlp, neumf.build_neumf(*SIZES, 3, LAYERS, seed + 1)


def logit(model: keras.Model) -> np.ndarray:
    """Logits of PAIRS."""
    return neumf.scorer(model)(PAIRS["user"], PAIRS["item"])


def test_gmf_is_a_weighted_product_of_embeddings() -> None:
    """By hand: p = (1, 2), q = (3, 4), h = (0.5, -1), bias 0.25: 1.5 - 8 + 0.25 = -6.25."""
    model = neumf.build_gmf(1, 1, 2, 1)
    model.get_layer("gmf_user_embedding").set_weights([np.array([[1.0, 2.0]])])
    model.get_layer("gmf_item_embedding").set_weights([np.array([[3.0, 4.0]])])
    model.get_layer("logit").set_weights([np.array([[0.5], [-1.0]]), np.array([0.25])])
    zero = np.zeros(1, np.int32)
    assert neumf.scorer(model)(zero, zero) == pytest.approx([-6.25])
    assert float(model({"user": zero, "item": zero})[0, 0]) == pytest.approx(1 / (1 + np.exp(6.25)))


def test_mlp_is_a_tower_over_both_embeddings() -> None:
    """By hand: (1, 2) through relu(1·1 - 2·2) = 0 and relu(1 + 2) = 3; 0.5·0 + 2·3 = 6."""
    model = neumf.build_mlp(1, 1, [2, 2], 1)
    model.get_layer("mlp_user_embedding").set_weights([np.array([[1.0]])])
    model.get_layer("mlp_item_embedding").set_weights([np.array([[2.0]])])
    kernel = np.array([[1.0, 1.0], [-2.0, 1.0]])
    model.get_layer("mlp_hidden_1").set_weights([kernel, np.zeros(2)])
    model.get_layer("logit").set_weights([np.array([[0.5], [2.0]]), np.zeros(1)])
    zero = np.zeros(1, np.int32)
    assert neumf.scorer(model)(zero, zero) == pytest.approx([6.0])


def test_neumf_has_embeddings_of_its_own_for_each_half() -> None:
    """Four tables: 3 wide for GMF, 8 / 2 wide for the tower."""
    model = all_three()[2]
    shapes = {
        layer.name: tuple(layer.weights[0].shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Embedding)
    }
    assert shapes == {
        "gmf_user_embedding": (7, 3),
        "gmf_item_embedding": (11, 3),
        "mlp_user_embedding": (7, 4),
        "mlp_item_embedding": (11, 4),
    }


def test_embeddings_start_with_deviation_a_hundredth() -> None:
    """He et al. 2017, section 4.1: Gaussian(0, 0.01); 10,000 draws are off by 5 % at most."""
    values = neumf.build_gmf(1000, 1, 10, 1).get_layer("gmf_user_embedding").get_weights()[0]
    assert values.mean() == pytest.approx(0, abs=5e-4)
    assert values.std() == pytest.approx(0.01, rel=0.05)


def test_initial_weights_follow_the_seed() -> None:
    """Equal hashes for equal seeds, and no layer shares its values with another."""
    one, two, other = (neumf.build_neumf(*SIZES, 4, LAYERS, seed) for seed in (1, 1, 2))
    assert neumf.weights_hash(one) == neumf.weights_hash(two) != neumf.weights_hash(other)
    gmf = one.get_layer("gmf_user_embedding").get_weights()[0]
    mlp = one.get_layer("mlp_user_embedding").get_weights()[0]
    assert not np.allclose(gmf, mlp)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_pretrained_neumf_starts_between_its_halves(alpha: float) -> None:
    """Section 3.4.1: its logit is α · GMF's + (1 - α) · MLP's."""
    gmf, mlp, model = all_three()
    neumf.initialise_from(model, gmf, mlp, alpha)
    assert np.abs(logit(gmf) - logit(mlp)).min() > 1e-3  # else the claim would be empty
    expected = alpha * logit(gmf) + (1 - alpha) * logit(mlp)
    assert logit(model) == pytest.approx(expected, rel=1e-5)


def test_halves_of_other_sizes_are_refused() -> None:
    """The error names the layer and both shapes."""
    _, mlp, model = all_three()
    wider = neumf.build_gmf(*SIZES, 5, 1)
    with pytest.raises(ValueError, match=r"gmf_user_embedding is .*5.*NeuMF has .*3"):
        neumf.initialise_from(model, wider, mlp, 0.5)


@pytest.mark.parametrize("layers", [[], [7, 4]])
def test_a_tower_that_cannot_be_halved_is_refused(layers: list[int]) -> None:
    """The first width is shared by user and item."""
    with pytest.raises(ValueError, match="an even number"):
        neumf.build_mlp(*SIZES, layers, 1)


def test_the_probability_is_the_sigmoid_of_the_logit() -> None:
    """Ranking uses the logit, as a sigmoid in float32 is 1.0 from about 17 on."""
    model = all_three()[0]
    assert model.predict(PAIRS, verbose=0)[:, 0] == pytest.approx(
        1 / (1 + np.exp(-logit(model))), rel=1e-5
    )


def test_size_and_difference_look_at_the_model() -> None:
    """Numbers of users and items; 0 for the same weights, NaN for weights that are not finite."""
    gmf, mlp, _ = all_three()
    assert neumf.size(gmf) == neumf.size(mlp) == SIZES
    assert neumf.difference(gmf, gmf, 20) == 0
    assert neumf.difference(gmf, mlp, 20) > 0
    gmf.get_layer("logit").set_weights([np.full((3, 1), np.nan), np.zeros(1)])
    assert np.isnan(neumf.difference(gmf, gmf, 20))


LOADER = """
import json, sys, numpy as np, keras
model = keras.models.load_model(sys.argv[1])  # safe mode is the default
pairs = {"user": np.array([0, 3, 6], np.int32), "item": np.array([10, 5, 0], np.int32)}
print(json.dumps({
    "scores": model.predict(pairs, verbose=0)[:, 0].tolist(),
    "ours": [name for name in sys.modules if name.startswith("ncf_assets")],
}))
"""


@pytest.mark.slow
def test_stock_keras_loads_a_saved_model_without_this_package(tmp_path: Path) -> None:
    """Another process predicts the same."""
    model = all_three()[2]
    model.save(tmp_path / "model.keras")
    done = subprocess.run(
        [sys.executable, "-c", LOADER, tmp_path / "model.keras"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ours"] == []
    assert answer["scores"] == pytest.approx(model.predict(PAIRS, verbose=0)[:, 0], abs=1e-7)
