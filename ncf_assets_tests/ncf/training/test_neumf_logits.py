"""The logits that training differentiates are those of the Keras models."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.training.compiled_epoch import OptimizerState
from ncf_assets.ncf.training.neumf_logits import score_lists

MODELS = {
    "gmf": lambda: neumf.build_gmf(5, 7, 3, 1),
    "mlp of one layer": lambda: neumf.build_mlp(5, 7, [8, 4], 1),
    "mlp of three layers": lambda: neumf.build_mlp(5, 7, [8, 6, 4, 2], 1),
    "neumf": lambda: neumf.build_neumf(5, 7, 3, [8, 4, 2], 1),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
def test_logits_are_those_of_keras(build: Callable[[], keras.Model]) -> None:
    """All pairs are scored with random weights of ordinary size, in another order for each user."""
    model, generator = build(), np.random.default_rng(0)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    lists = np.array([generator.permutation(7) for _ in range(5)])
    users = np.arange(5)
    expected = neumf.scorer(model)(np.repeat(users, 7), lists.ravel()).reshape(5, 7)
    found = score_lists(OptimizerState.of(model).weights, users, lists)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_lists_in_several_blocks_are_scored_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """5 lists are in blocks of 2; the last block reaches back over a list that is done."""
    model = MODELS["gmf"]()
    weights, lists = OptimizerState.of(model).weights, np.arange(10).reshape(5, 2) % 7
    expected = score_lists(weights, np.arange(5), lists)
    monkeypatch.setattr("ncf_assets.ncf.training.neumf_logits.CELLS", 4)
    np.testing.assert_array_equal(score_lists(weights, np.arange(5), lists), expected)


def test_no_lists_have_no_scores() -> None:
    """An empty split is not an error here."""
    weights = OptimizerState.of(MODELS["gmf"]()).weights
    assert score_lists(weights, np.empty(0, int), np.empty((0, 4), int)).shape == (0, 4)
