"""Take one step of Adam, on weights of which some move by row.

`compiled_epoch` computes the gradients, and decides which weights move by row.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from ncf_assets.ncf.training.cluster import Weights

# Kingma and Ba 2015, "Adam", section 2; epsilon as in Keras
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


def corrected(rate: Any, step: Any) -> Any:
    """Return the learning rate with both of Adam's bias corrections (end of section 2)."""
    t = tf.cast(step, tf.float32)
    return rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)


def step(
    state: tuple[Weights, Weights, Weights],
    gradients: Weights,
    at: Mapping[str, Any],
    change: Callable[..., tuple[Any, Any, Any]],
) -> tuple[Weights, Weights, Weights]:
    """Take one step; of the embeddings in `at` only the rows there move.

    `change` is `update` at the step's rate. The cost of a step hardly grows with the number of
    users, nor of very many items.
    """
    weights, first, second = (dict(x) for x in state)
    for path, gradient in gradients.items():
        if path not in at:
            weights[path], first[path], second[path] = change(
                weights[path], first[path], second[path], gradient
            )
            continue
        rows = at[path]
        summed = _summed_by_row(gradient, rows, weights[path].shape[0])
        weight, moment, square = (tf.gather(x[path], rows) for x in (weights, first, second))
        new = change(weight, moment, square, summed)
        for tensors, values in zip((weights, first, second), new, strict=True):
            # the values of a row that comes up twice are equal, so their order does not matter
            tensors[path] = tf.tensor_scatter_nd_update(tensors[path], rows[:, None], values)
    return weights, first, second


def _summed_by_row(gradient: Any, rows: Any, n_rows: int) -> Any:
    """Sum gradients [n, width] of rows int32 [n] by row: [n, width], equal for equal rows."""
    n = rows.shape[0]
    last = tf.tensor_scatter_nd_max(tf.zeros([n_rows], tf.int32), rows[:, None], tf.range(n))
    slots = tf.gather(last, rows)  # [n], the position of the last of equal rows
    return tf.gather(tf.math.unsorted_segment_sum(gradient, slots, n), slots)


def update(weight: Any, first: Any, second: Any, gradient: Any, rate: Any) -> tuple[Any, Any, Any]:
    """Return a weight and its moments after a step (algorithm 1), at a rate from `corrected`."""
    first = BETA_1 * first + (1 - BETA_1) * gradient
    second = BETA_2 * second + (1 - BETA_2) * gradient**2
    return weight - rate * first / (tf.sqrt(second) + EPSILON), first, second
