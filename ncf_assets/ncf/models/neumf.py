"""Build GMF, MLP and NeuMF (He et al. 2017, section 3) as stock Keras models, and score pairs.

`training.loop` trains them. For the ranking, `evaluation.neumf_scorer` scores all items of a user.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.hashing import hash_arrays
from ncf_assets.ncf.random_streams import integer_seed, rng

# (users int32 [m], items int32 [m]) -> logits float32 [m]
Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]


@contextmanager
def _float32() -> Iterator[None]:
    """Let layers be of float32, whatever the keras.json of a home says; also a decorator."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@_float32()
def build_gmf(n_users: int, n_items: int, factors: int, seed: int) -> keras.Model:
    """Build generalized matrix factorization: a weighted product of embeddings (section 3.2)."""
    inputs = _inputs()
    return _with_output(inputs, _gmf_half(inputs, n_users, n_items, factors, seed), seed)


@_float32()
def build_mlp(n_users: int, n_items: int, layers: Sequence[int], seed: int) -> keras.Model:
    """Build a tower over both embeddings (section 3.3).

    `layers` are its widths from the inputs up. The first is the width of user and item embedding
    together. Raise ValueError if it is odd, or if no hidden layer follows.
    """
    inputs = _inputs()
    return _with_output(inputs, _mlp_half(inputs, n_users, n_items, layers, seed), seed)


@_float32()
def build_neumf(
    n_users: int, n_items: int, factors: int, layers: Sequence[int], seed: int
) -> keras.Model:
    """Build GMF and MLP, each with its own embeddings, under one output (section 3.4)."""
    inputs = _inputs()
    halves = [
        _gmf_half(inputs, n_users, n_items, factors, seed),
        _mlp_half(inputs, n_users, n_items, layers, seed),
    ]
    return _with_output(inputs, keras.layers.Concatenate(name="halves")(halves), seed)


def logits(model: keras.Model) -> keras.Model:
    """Return the model without its last sigmoid, sharing its weights: output [batch, 1].

    Ranks need logits, as sigmoids of far different logits round to the same 1.0.
    """
    return keras.Model(model.input, model.get_layer("logit").output)


def scorer(model: keras.Model) -> Scorer:
    """Return a function from (users int32 [m], items int32 [m]) to logits float32 [m].

    It has the weights at call time. It raises tf.errors.InvalidArgumentError for a user or item
    that the model does not have.
    """
    logit = logits(model)

    def score(users: np.ndarray, items: np.ndarray) -> np.ndarray:
        # eager, as a graph for each model would repay its tracing only over many more batches
        pairs = {"user": tf.constant(users, tf.int32), "item": tf.constant(items, tf.int32)}
        scored: np.ndarray = logit(pairs, training=False)[:, 0].numpy()
        return scored

    return score


def load(path: Path) -> keras.Model:
    """Load a saved model in Keras' safe mode, which refuses a file that holds code."""
    return keras.models.load_model(path, compile=False, safe_mode=True)


def size(model: keras.Model) -> tuple[int, int]:
    """Return the numbers of users and of items that the model knows."""
    embeddings = [x for x in model.layers if isinstance(x, keras.layers.Embedding)]
    users, items = (
        next(x.input_dim for x in embeddings if x.name.endswith(f"{side}_embedding"))
        for side in ("user", "item")
    )
    return users, items


def weights_hash(model: keras.Model) -> str:
    """Return the hash of all weights with their names and shapes: equal if and only if they are."""
    return hash_arrays({weight.path: weight.numpy() for weight in model.weights})


def difference(model: keras.Model, other: keras.Model, n_pairs: int) -> float:
    """Return the largest difference of two models' logits; NaN if a logit is not finite.

    The logits are of n_pairs random pairs.
    """
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
            "`layers` must be the width of user and item embedding together, an even number, and"
            f" those of one or more hidden layers, found {list(layers)}. Give for example"
            " [64, 32, 16, 8]."
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
    """Return the model whose probability follows from features [batch, width]."""
    # as in the authors' code
    initial = keras.initializers.LecunUniform(integer_seed(seed, "logit"))
    logit = keras.layers.Dense(1, kernel_initializer=initial, name="logit")(features)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="probability")(logit))
