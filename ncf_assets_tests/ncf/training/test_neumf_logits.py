"""The logits that training differentiates are those of the Keras models."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.training.neumf_logits import is_user_table, pair_logits

MODELS = {
    "gmf": lambda: neumf.build_gmf(5, 7, 3, 1),
    "mlp of one layer": lambda: neumf.build_mlp(5, 7, [8, 4], 1),
    "mlp of three layers": lambda: neumf.build_mlp(5, 7, [8, 6, 4, 2], 1),
    "neumf": lambda: neumf.build_neumf(5, 7, 3, [8, 4, 2], 1),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("length", [1, 7])
def test_logits_are_those_of_keras(build: Callable[[], keras.Model], length: int) -> None:
    """Lists of random items are scored with random weights of ordinary size.

    Of one item each, there are fewer pairs than items; of all seven, more.
    """
    model, generator = build(), np.random.default_rng(0)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    lists = np.array([generator.permutation(7)[:length] for _ in range(5)], np.int32)
    users = np.array([3, 1, 4, 0, 3])
    pairs = np.repeat(users, length), lists.ravel()
    expected = neumf.scorer(model)(*pairs).reshape(5, length)
    weights = {
        v.path: tf.gather(v.value, users) if is_user_table(v.path) else v.value
        for v in model.trainable_variables
    }
    np.testing.assert_allclose(pair_logits(weights, lists), expected, rtol=1e-4, atol=1e-5)
