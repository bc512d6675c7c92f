"""The logits of GMF, MLP and NeuMF in TensorFlow's graph, for a few items of each of many users.

The formulas are those of the Keras models in `neumf`, found by the names of their weights. Training
differentiates them, and validation ranks by them; every item of a user is `network_scorer`'s work.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Weights = Mapping[str, Any]  # by the path of a Keras variable, such as `logit/kernel`

CELLS = 2**18  # ours: pairs scored at a time; a tower of 32 is then 32 MB


def pair_logits(weights: Weights, rows: Weights, items: Any) -> Any:
    """Logits [p, c] of each user's items int32 [p, c].

    `rows` are the users' rows of each user embedding, [p, width]; `weights`, all others. The first
    layer of the tower is linear before its ReLU, so its user half is computed once per user and
    its item half once per item, in place of once per pair.
    """
    kernel, factors = weights["logit/kernel"][:, 0], 0
    logits = weights["logit/bias"][0]
    if "gmf_user_embedding/embeddings" in rows:
        of_users = rows["gmf_user_embedding/embeddings"]
        factors = of_users.shape[1]
        of_items = tf.gather(weights["gmf_item_embedding/embeddings"], items)  # [p, c, factors]
        weighted = of_users * kernel[:factors]
        logits += tf.reduce_sum(weighted[:, None] * of_items, axis=-1)
    if "mlp_user_embedding/embeddings" in rows:
        hidden = _tower(weights, rows["mlp_user_embedding/embeddings"], items)
        logits += tf.reshape(tf.linalg.matvec(hidden, kernel[factors:]), tf.shape(items))
    return logits


def user_rows(weights: Weights, users: Any) -> Weights:
    """Each user embedding's rows [p, width] of users int32 [p]."""
    return {path: tf.gather(w, users) for path, w in weights.items() if is_user_table(path)}


def is_user_table(path: str) -> bool:
    """Whether a weight has a row for each user."""
    return path.endswith("user_embedding/embeddings")


def score_lists(weights: Weights, users: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """Logits float32 [n, c] of items [n, c] for users [n]."""
    n, c = lists.shape
    height = max(1, min(n, CELLS // max(1, c)))
    scores = np.empty((n, c), np.float32)
    for start in range(0, n, height):
        # the last block reaches back, so that all have one shape and one compilation
        part = slice(max(0, min(start, n - height)), min(start, n - height) + height)
        ids = tf.constant(users[part], tf.int32), tf.constant(lists[part], tf.int32)
        scores[part] = _compiled(weights, *ids).numpy()
    return scores


@tf.function(jit_compile=True)
def _compiled(weights, users, items):  # type: ignore[no-untyped-def]
    return pair_logits(weights, user_rows(weights, users), items)


def _tower(weights: Weights, of_users: Any, items: Any) -> Any:
    """The last hidden layer of each pair: [p · c, width]."""
    half = of_users.shape[1]
    first = weights["mlp_hidden_1/kernel"]  # [2 · half, width]
    user_half = of_users @ first[:half] + weights["mlp_hidden_1/bias"]  # [p, width]
    item_half = weights["mlp_item_embedding/embeddings"] @ first[half:]  # [n_items, width]
    hidden = tf.nn.relu(user_half[:, None] + tf.gather(item_half, items))  # [p, c, width]
    hidden = tf.reshape(hidden, [-1, first.shape[1]])
    layer = 2
    while f"mlp_hidden_{layer}/kernel" in weights:
        kernel, bias = (weights[f"mlp_hidden_{layer}/{part}"] for part in ("kernel", "bias"))
        hidden = tf.nn.relu(hidden @ kernel + bias)
        layer += 1
    return hidden
