"""GMF, MLP and NeuMF (He et al. 2017, section 3) as stock Keras models, and how to score by them.

How they start from what was trained before is `warm_start`; how they are trained, `training`; how
they are ranked by, `ranking`.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf.randomness import integer_seed, rng

# (users int32 [m], items int32 [m]) -> logits float32 [m]
Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]


def build_gmf(n_users: int, n_items: int, factors: int, seed: int) -> keras.Model:
    """Generalised matrix factorisation: a weighted product of embeddings (section 3.2)."""
    inputs = _inputs()
    return _with_output(inputs, _gmf_half(inputs, n_users, n_items, factors, seed), seed)


def build_mlp(n_users: int, n_items: int, layers: Sequence[int], seed: int) -> keras.Model:
    """A tower over both embeddings (section 3.3); `layers` are its widths from the inputs up.

    The first width is that of user and item embedding together. ValueError if it is odd, or if no
    hidden layer follows.
    """
    inputs = _inputs()
    return _with_output(inputs, _mlp_half(inputs, n_users, n_items, layers, seed), seed)


def build_neumf(
    n_users: int, n_items: int, factors: int, layers: Sequence[int], seed: int
) -> keras.Model:
    """GMF and MLP, each with its own embeddings, under one output (section 3.4)."""
    inputs = _inputs()
    halves = [
        _gmf_half(inputs, n_users, n_items, factors, seed),
        _mlp_half(inputs, n_users, n_items, layers, seed),
    ]
    return _with_output(inputs, keras.layers.Concatenate(name="halves")(halves), seed)


def logits(model: keras.Model) -> keras.Model:
    """The model without its last sigmoid, sharing its weights: output [batch, 1].

    For ranking: sigmoids of far different logits round to the same 1.0.
    """
    return keras.Model(model.input, model.get_layer("logit").output)


def scorer(model: keras.Model) -> Scorer:
    """Logits of (users int32 [m], items int32 [m]) as float32 [m], with the weights at call time.

    Raises tf.errors.InvalidArgumentError for a user or item that the model does not have.
    """
    logit = logits(model)

    def score(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        # eagerly: a graph for each model would pay its tracing back only over many more batches
        pairs = {"user": tf.constant(users, tf.int32), "item": tf.constant(items, tf.int32)}
        scored: np.ndarray = logit(pairs, training=False)[:, 0].numpy()
        return scored

    return score


def load(path: Path) -> keras.Model:
    """A saved model, in Keras' safe mode: a file that holds code is refused."""
    return keras.models.load_model(path, compile=False, safe_mode=True)


def size(model: keras.Model) -> tuple[int, int]:
    """Number of users and of items that the model knows."""
    embeddings = [x for x in model.layers if isinstance(x, keras.layers.Embedding)]
    users, items = (
        next(x.input_dim for x in embeddings if x.name.endswith(f"{side}_embedding"))
        for side in ("user", "item")
    )
    return users, items


def weights_hash(model: keras.Model) -> str:
    """SHA-256 of all weights with their names and shapes: equal if and only if they are."""
    total = hashlib.sha256()
    for weight in model.weights:
        total.update(f"{weight.path} {tuple(weight.shape)}".encode())
        total.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return total.hexdigest()


def difference(model: keras.Model, other: keras.Model, n_pairs: int) -> float:
    """Largest difference of two models' logits on n_pairs pairs; NaN if one is not finite."""
    generator = rng(0, "probed pairs")
    users, items = (generator.integers(n, size=n_pairs, dtype=np.int32) for n in size(model))
    one, two = scorer(model)(users, items), scorer(other)(users, items)
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return float("nan")
    return float(np.abs(one - two).max())


def _inputs() -> dict[str, Any]:
    return {name: keras.Input((), dtype="int32", name=name) for name in ("user", "item")}


def _gmf_half(inputs: dict[str, Any], n_users: int, n_items: int, factors: int, seed: int) -> Any:
    # Rendle et al. 2020's code for factors by SGD (google-research/dot_vs_learned_similarity) has
    # 0.1: products of two values of He et al.'s 0.01 are too small to learn from at first
    user = _embedding("gmf_user_embedding", n_users, factors, 0.1, seed)(inputs["user"])
    item = _embedding("gmf_item_embedding", n_items, factors, 0.1, seed)(inputs["item"])
    return keras.layers.Multiply(name="gmf_product")([user, item])  # [batch, factors]


def _mlp_half(
    inputs: dict[str, Any], n_users: int, n_items: int, layers: Sequence[int], seed: int
) -> Any:
    if len(layers) < 2 or layers[0] % 2:
        raise ValueError(
            "`layers` is the width of user and item embedding together, an even number, and those"
            f" of one or more hidden layers, found {list(layers)}; for example [64, 32, 16, 8]"
        )
    # He et al. 2017, section 4.1
    user = _embedding("mlp_user_embedding", n_users, layers[0] // 2, 0.01, seed)(inputs["user"])
    item = _embedding("mlp_item_embedding", n_items, layers[0] // 2, 0.01, seed)(inputs["item"])
    hidden = keras.layers.Concatenate(name="mlp_embeddings")([user, item])  # [batch, layers[0]]
    for i, width in enumerate(layers[1:], start=1):
        # as in the authors' code (hexiangnan/neural_collaborative_filtering)
        initial = keras.initializers.GlorotUniform(integer_seed(seed, f"mlp_hidden_{i}"))
        hidden = keras.layers.Dense(
            width, activation="relu", kernel_initializer=initial, name=f"mlp_hidden_{i}"
        )(hidden)  # [batch, width]
    return hidden


def _embedding(
    name: str, n: int, width: int, deviation: float, seed: int
) -> keras.layers.Embedding:
    initial = keras.initializers.RandomNormal(0.0, deviation, seed=integer_seed(seed, name))
    return keras.layers.Embedding(n, width, embeddings_initializer=initial, name=name)


def _with_output(inputs: dict[str, Any], features: Any, seed: int) -> keras.Model:
    """The model whose probability follows from features [batch, width]."""
    # as in the authors' code
    initial = keras.initializers.LecunUniform(integer_seed(seed, "logit"))
    logit = keras.layers.Dense(1, kernel_initializer=initial, name="logit")(features)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="probability")(logit))
