"""Compute the logits of GMF, MLP and NeuMF in TensorFlow's graph, for a few items of many users.

The formulas are those of the Keras models in `models.neumf`, found by the names of their weights.
Training differentiates them. `evaluation.neumf_scorer` scores every item of a user.
"""

import math
from typing import Any

import tensorflow as tf

from ncf_assets.ncf.training.cluster import Weights


def pair_logits(weights: Weights, items: Any) -> Any:
    """Return the logits [p, c] of items int32 [p, c], c for each of p users.

    `weights` are a model's, with the p users' rows in place of the user embeddings.
    """
    kernel, factors = weights["logit/kernel"][:, 0], 0
    logits = weights["logit/bias"][0]
    if "gmf_user_embedding/embeddings" in weights:
        of_users = weights["gmf_user_embedding/embeddings"]
        factors = of_users.shape[1]
        of_items = tf.gather(weights["gmf_item_embedding/embeddings"], items)  # [p, c, factors]
        logits += tf.reduce_sum((of_users * kernel[:factors])[:, None] * of_items, axis=-1)
    if "mlp_user_embedding/embeddings" in weights:
        hidden = _tower(weights, items)
        logits += tf.reshape(tf.linalg.matvec(hidden, kernel[factors:]), tf.shape(items))
    return logits


def is_user_table(path: str) -> bool:
    """Return whether a weight has a row for each user."""
    return path.endswith("user_embedding/embeddings")


def is_item_table(path: str) -> bool:
    """Return whether a weight has a row for each item."""
    return path.endswith("item_embedding/embeddings")


def _tower(weights: Weights, items: Any) -> Any:
    """Return the last hidden layer of each pair: [p · c, width]."""
    of_users = weights["mlp_user_embedding/embeddings"]
    half = of_users.shape[1]
    first = weights["mlp_hidden_1/kernel"]  # [2 · half, width]
    # linear before its ReLU, so each side's half is computed once where it is used several times
    user_half = of_users @ first[:half] + weights["mlp_hidden_1/bias"]  # [p, width]
    hidden = tf.nn.relu(user_half[:, None] + _item_half(weights, first[half:], items))
    hidden = tf.reshape(hidden, [-1, first.shape[1]])
    layer = 2
    while f"mlp_hidden_{layer}/kernel" in weights:
        kernel, bias = (weights[f"mlp_hidden_{layer}/{part}"] for part in ("kernel", "bias"))
        hidden = tf.nn.relu(hidden @ kernel + bias)
        layer += 1
    return hidden


def _item_half(weights: Weights, kernel: Any, items: Any) -> Any:
    """Return the items' part of the first hidden layer: [p, c, width].

    It is computed for each item or for each pair, whichever are fewer.
    """
    table = weights["mlp_item_embedding/embeddings"]
    if table.shape[0] <= math.prod(items.shape):
        return tf.gather(table @ kernel, items)
    of_pairs = tf.gather(table, tf.reshape(items, [-1])) @ kernel
    return tf.reshape(of_pairs, [*items.shape, kernel.shape[1]])
