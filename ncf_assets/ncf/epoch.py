"""One epoch of training as one compiled graph: batches, gradients, steps of Adam.

XLA compiles the whole epoch, so that no step goes through Python. The logits are `pair_logits`;
how many epochs there are and which is kept is `training`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf.pair_logits import Weights, is_item_table, is_user_table, pair_logits
from ncf_assets.ncf.training_negatives import TrainingNegatives

# Kingma and Ba 2015, "Adam", section 2; epsilon as in Keras
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
# ours: from about 4 rows a pair on, working by row is quicker than working on the whole
LARGE = 4


@dataclass(frozen=True)
class State:
    """Weights, and Adam's moments of them, by the paths of Keras's variables."""

    weights: Weights
    first: Weights
    second: Weights

    @classmethod
    def of(cls, model: keras.Model) -> "State":
        """The model's weights, before any step."""
        weights = {v.path: tf.convert_to_tensor(v) for v in model.trainable_variables}
        zeros = {path: tf.zeros_like(weight) for path, weight in weights.items()}
        return cls(weights, zeros, zeros)


@dataclass(frozen=True)
class Batches:
    """An epoch's positives in steps of p. Those beyond `n_positives` fill up the last step."""

    users: np.ndarray  # int32 [steps, p]
    items: np.ndarray  # int32 [steps, p]
    n_positives: int


# (state, batches, learning rates float32 [steps], steps taken before, seed)
# -> (state, mean loss of each step float32 [steps])
EpochFunction = Callable[[State, Batches, np.ndarray, int, int], tuple[State, np.ndarray]]


def epoch_function(negatives: TrainingNegatives, per_positive: int, l2: float) -> EpochFunction:
    """Compile an epoch with `per_positive` negatives for each positive, drawn anew in each step.

    A step minimises the mean binary cross-entropy of its examples and the penalty l2 / 2 · the
    squared norm of the embeddings of each example (Rendle et al. 2020, "Neural Collaborative
    Filtering vs. Matrix Factorization Revisited", section 4.1).
    """

    @tf.function(jit_compile=True)
    def run(state, users, items, n_positives, rates, taken, seed):  # type: ignore[no-untyped-def]
        steps, p = users.shape

        def body(step, state, losses):  # type: ignore[no-untyped-def]
            seeds = tf.stack([seed, taken + step])
            drawn = negatives.draw(users[step], per_positive, seeds)
            candidates = tf.concat([items[step][:, None], drawn], axis=1)
            kept = tf.cast(step * p + tf.range(p) < n_positives, tf.float32)  # [p]
            at = _by_row(state[0], users[step], candidates)
            loss, gradients = _gradients(state[0], at, candidates, kept, l2)
            rate = _corrected(rates[step], taken + step + 1)
            state = _adam(state, gradients, at, rate)
            return step + 1, state, tf.tensor_scatter_nd_update(losses, [[step]], [loss])

        start = (tf.constant(0), state, tf.zeros([steps]))
        _, state, losses = tf.while_loop(lambda step, *_: step < steps, body, start)
        return state, losses

    def epoch(
        state: State, batches: Batches, rates: np.ndarray, taken: int, seed: int
    ) -> tuple[State, np.ndarray]:
        new, losses = run(
            (state.weights, state.first, state.second),
            tf.constant(batches.users),
            tf.constant(batches.items),
            tf.constant(batches.n_positives),
            tf.constant(rates, tf.float32),
            tf.constant(taken),
            tf.constant(seed),
        )
        return State(*new), losses.numpy()

    return epoch


def _by_row(weights: Weights, users: Any, candidates: Any) -> dict[str, Any]:
    """The embeddings that a step works on by row, and their rows int32 [p] or [p · c], by path.

    Item embeddings that are not far larger than a step are quicker worked on as a whole.
    """
    items = tf.reshape(candidates, [-1])
    at = {path: users for path in weights if is_user_table(path)}
    large = [
        p for p in weights if is_item_table(p) and weights[p].shape[0] > LARGE * items.shape[0]
    ]
    return at | dict.fromkeys(large, items)


def _gradients(
    weights: Weights, at: Mapping[str, Any], candidates: Any, kept: Any, l2: float
) -> tuple[Any, Weights]:
    """Mean cross-entropy of a step's examples, and the gradients of it and of the penalty.

    candidates int32 [p, c] begin with the positive; kept [p] is 0 for what only fills up. The
    gradients of embeddings in `at` are of the rows there, all others of whole weights.
    """
    p, c = candidates.shape
    part = {path: tf.gather(w, at[path]) if path in at else w for path, w in weights.items()}
    if any(is_item_table(path) for path in at):
        candidates = tf.reshape(tf.range(p * c), [p, c])  # as places in `part`
    share = kept / (tf.reduce_sum(kept) * c)  # [p], of each of a positive's examples
    labels = tf.one_hot(tf.zeros([p], tf.int32), c)
    with tf.GradientTape() as tape:
        tape.watch(part)
        logits = pair_logits(part, candidates)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)  # [p, c]
        loss = tf.reduce_sum(losses * share[:, None])
    gradients = tape.gradient(loss, part)
    for path, weight in part.items():
        gradients[path] = _whole(gradients[path], weight)
        if is_user_table(path):
            gradients[path] += l2 * c * share[:, None] * weight
        elif is_item_table(path):
            shares = tf.repeat(share, c), tf.reshape(candidates, [-1])
            of_item = tf.math.unsorted_segment_sum(*shares, weight.shape[0])
            gradients[path] += l2 * of_item[:, None] * weight
    return loss, gradients


def _whole(gradient: Any, weight: Any) -> Any:
    """The gradient of a whole weight, where TensorFlow gives those of the rows looked up."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    values = tf.reshape(gradient.values, [-1, weight.shape[1]])
    return tf.math.unsorted_segment_sum(values, tf.reshape(gradient.indices, [-1]), weight.shape[0])


def _corrected(rate: Any, step: Any) -> Any:
    """The learning rate with both of Adam's bias corrections (end of section 2)."""
    t = tf.cast(step, tf.float32)
    return rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)


def _adam(
    state: tuple[Weights, Weights, Weights], gradients: Weights, at: Mapping[str, Any], rate: Any
) -> tuple[Weights, Weights, Weights]:
    """Take one step; of the embeddings in `at` only the rows there move.

    So the cost of a step hardly grows with the number of users, nor of very many items.
    """
    weights, first, second = (dict(x) for x in state)
    for path, gradient in gradients.items():
        if path not in at:
            weights[path], first[path], second[path] = _adam_update(
                weights[path], first[path], second[path], gradient, rate
            )
            continue
        rows = at[path]
        summed = _summed_by_row(gradient, rows, weights[path].shape[0])
        weight, moment, square = (tf.gather(x[path], rows) for x in (weights, first, second))
        new = _adam_update(weight, moment, square, summed, rate)
        for whole, values in zip((weights, first, second), new, strict=True):
            # the values of a row that comes up twice are equal, so their order does not matter
            whole[path] = tf.tensor_scatter_nd_update(whole[path], rows[:, None], values)
    return weights, first, second


def _summed_by_row(gradient: Any, rows: Any, n_rows: int) -> Any:
    """The gradients [n, width] of rows int32 [n], each in sum with the others of its row."""
    n = rows.shape[0]
    last = tf.tensor_scatter_nd_max(tf.zeros([n_rows], tf.int32), rows[:, None], tf.range(n))
    slots = tf.gather(last, rows)  # [n], the place of the last of equal rows
    return tf.gather(tf.math.unsorted_segment_sum(gradient, slots, n), slots)


def _adam_update(
    weight: Any, first: Any, second: Any, gradient: Any, rate: Any
) -> tuple[Any, Any, Any]:
    first = BETA_1 * first + (1 - BETA_1) * gradient
    second = BETA_2 * second + (1 - BETA_2) * gradient**2
    return weight - rate * first / (tf.sqrt(second) + EPSILON), first, second
