"""Compile one epoch of training as one graph: batches, gradients, and steps of Adam.

XLA compiles the entire epoch, so that no step goes through Python. The logits are in
`neumf_logits`, and a step of Adam in `adam`. `epoch` supplies the batches, and `loop` decides how
many epochs there are and which is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.training import adam
from ncf_assets.ncf.training.cluster import Cluster, Weights
from ncf_assets.ncf.training.neumf_logits import is_item_table, is_user_table, pair_logits
from ncf_assets.ncf.training.optimizer_state import OptimizerState
from ncf_assets.ncf.training.training_sampling import UserItems, draw

# Each fit of each network has shapes of its own and is compiled for them, as TensorFlow warns.
tf.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())

# chosen: from about 4 rows a pair on, a step by row is quicker than one on the entire table
LARGE = 4


@dataclass(frozen=True)
class Batches:
    """Positives of each step, and the items of their users. What is beyond a step's is padding.

    users, items: int32 [steps, p]; sizes: int32 [steps], positives of each step
    """

    users: np.ndarray
    items: np.ndarray
    sizes: np.ndarray
    user_items: UserItems


# (state, batches, learning rates float32 [steps], steps taken before, seed)
# -> (state, mean loss of each step float32 [steps])
EpochFunction = Callable[
    [OptimizerState, Batches, np.ndarray, int, int], tuple[OptimizerState, np.ndarray]
]


@cache  # so that trainings of equal shapes, as the fits of a network, are compiled once
def epoch_function(per_positive: int, l2: float, cluster: Cluster) -> EpochFunction:
    """Compile an epoch with `per_positive` new negatives for each positive in each step.

    A cluster divides the positives of each step, whose number is then a multiple of its size. Each
    process draws the negatives of all, so that together they train as one process would.

    A step minimizes the mean binary cross-entropy of its examples and the penalty l2 / 2 · the
    squared norm of the embeddings of each example (Rendle et al. 2020, "Neural Collaborative
    Filtering vs. Matrix Factorization Revisited", section 4.1).
    """
    # AutoGraph would rewrite each function first, which takes longer than tracing it
    compiled = partial(tf.function, jit_compile=True, autograph=False)
    # XLA has no collectives between processes, so of a distributed step it compiles only the parts
    draw_, gradients_, update = (compiled(f) for f in (draw, _gradients, adam.update))

    def run(state, user_items, users, items, sizes, rates, taken, seed):  # type: ignore[no-untyped-def]
        steps, p = users.shape

        def body(step, state, losses):  # type: ignore[no-untyped-def]
            seeds = tf.stack([seed, taken + step])
            drawn = draw_(user_items, users[step], per_positive, seeds)
            candidates = tf.concat([items[step][:, None], drawn], axis=1)
            kept = tf.range(p) < sizes[step]  # [p]
            # padding repeats the step's first positive, so that no row moves for it
            candidates = tf.where(kept[:, None], candidates, candidates[:1])
            kept = tf.cast(kept, tf.float32)
            # [p], the weight of each of a positive's examples; a step may have no positive
            share = kept / (tf.maximum(tf.reduce_sum(kept), 1) * (1 + per_positive))
            own = cluster.local_slice(p)
            at = _by_row(state[0], users[step][own], candidates[own])
            result = *gradients_(state[0], at, candidates[own], share[own], l2), at
            loss, gradients, at = cluster.all_reduce(*result)
            rate = adam.corrected(rates[step], taken + step + 1)
            state = adam.step(state, gradients, at, partial(update, rate=rate))
            return step + 1, state, tf.tensor_scatter_nd_update(losses, [[step]], [loss])

        start = (tf.constant(0), state, tf.zeros([steps]))
        _, state, losses = tf.while_loop(lambda step, *_: step < steps, body, start)
        return state, losses

    compiled_run = tf.function(run, jit_compile=not cluster.is_distributed, autograph=False)

    def epoch(
        state: OptimizerState, batches: Batches, rates: np.ndarray, taken: int, seed: int
    ) -> tuple[OptimizerState, np.ndarray]:
        new, losses = compiled_run(
            (state.weights, state.first, state.second),
            batches.user_items,
            tf.constant(batches.users),
            tf.constant(batches.items),
            tf.constant(batches.sizes),
            tf.constant(rates, tf.float32),
            tf.constant(taken),
            tf.constant(seed),
        )
        return state.after(*new), losses.numpy()

    return epoch


def _by_row(weights: Weights, users: Any, candidates: Any) -> dict[str, Any]:
    """Return the rows int32 [p] or [p · c] of the embeddings that a step moves by row, by path.

    Item embeddings that are not far larger than a step move faster as entire tables.
    """
    items = tf.reshape(candidates, [-1])
    at = {path: users for path in weights if is_user_table(path)}
    large = [
        p for p in weights if is_item_table(p) and weights[p].shape[0] > LARGE * items.shape[0]
    ]
    return at | dict.fromkeys(large, items)


def _gradients(
    weights: Weights, at: Mapping[str, Any], candidates: Any, share: Any, l2: float
) -> tuple[Any, Weights]:
    """Return a step's weighted cross-entropy, and the gradients of it and of the penalty.

    candidates int32 [p, c] begin with the positive; share [p] is the weight of each example of a
    positive, 0 for padding. The gradients of embeddings in `at` are of the rows there, those of all
    other weights have the weight's shape.
    """
    p, c = candidates.shape
    part = {path: tf.gather(w, at[path]) if path in at else w for path, w in weights.items()}
    if any(is_item_table(path) for path in at):
        candidates = tf.reshape(tf.range(p * c), [p, c])  # as positions in `part`
    labels = tf.one_hot(tf.zeros([p], tf.int32), c)
    with tf.GradientTape() as tape:
        tape.watch(part)
        logits = pair_logits(part, candidates)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)  # [p, c]
        loss = tf.reduce_sum(losses * share[:, None])
    gradients = tape.gradient(loss, part)
    for path, weight in part.items():
        gradients[path] = _dense(gradients[path], weight)
        if is_user_table(path):
            gradients[path] += l2 * c * share[:, None] * weight
        elif is_item_table(path):
            shares = tf.repeat(share, c), tf.reshape(candidates, [-1])
            of_item = tf.math.unsorted_segment_sum(*shares, weight.shape[0])
            gradients[path] += l2 * of_item[:, None] * weight
    return loss, gradients


def _dense(gradient: Any, weight: Any) -> Any:
    """Return a gradient in its weight's shape, where TensorFlow gives it by the rows looked up."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    values = tf.reshape(gradient.values, [-1, weight.shape[1]])
    return tf.math.unsorted_segment_sum(values, tf.reshape(gradient.indices, [-1]), weight.shape[0])
