"""One epoch of training as one compiled graph: batches, gradients, steps of Adam.

XLA compiles the whole epoch, so that no step goes through Python. The logits are `pair_logits`;
how many epochs there are and which is kept is `training`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf.pair_logits import Weights, is_user_table, pair_logits, user_rows
from ncf_assets.ncf.training_negatives import TrainingNegatives

# Kingma and Ba 2015, "Adam", section 2; epsilon as in Keras
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


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

        def body(step, state, sums, losses):  # type: ignore[no-untyped-def]
            seeds = tf.stack([seed, taken + step])
            drawn = negatives.draw(users[step], per_positive, seeds)
            candidates = tf.concat([items[step][:, None], drawn], axis=1)
            kept = tf.cast(step * p + tf.range(p) < n_positives, tf.float32)  # [p]
            loss, gradients = _gradients(state[0], users[step], candidates, kept, l2)
            rate = _corrected(rates[step], taken + step + 1)
            state, sums = _adam(state, sums, gradients, users[step], rate)
            return step + 1, state, sums, tf.tensor_scatter_nd_update(losses, [[step]], [loss])

        sums = {path: tf.zeros_like(w) for path, w in state[0].items() if is_user_table(path)}
        start = (tf.constant(0), state, sums, tf.zeros([steps]))
        _, state, _, losses = tf.while_loop(lambda step, *_: step < steps, body, start)
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


def _gradients(
    weights: Weights, users: Any, candidates: Any, kept: Any, l2: float
) -> tuple[Any, Weights]:
    """Mean cross-entropy of a step's examples, and the gradients of it and of the penalty.

    candidates int32 [p, c] begin with the positive; kept [p] is 0 for what only fills up. The
    gradients of user embeddings are of the rows [p, width], all others of whole weights.
    """
    c = candidates.shape[1]
    rows = user_rows(weights, users)
    others = {path: w for path, w in weights.items() if path not in rows}
    share = kept / (tf.reduce_sum(kept) * c)  # [p], of each of a positive's examples
    with tf.GradientTape() as tape:
        tape.watch([rows, others])
        labels = tf.one_hot(tf.zeros_like(users), c)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(
            labels, pair_logits(others, rows, candidates)
        )  # [p, c]
        loss = tf.reduce_sum(losses * share[:, None])
    of_rows, of_others = tape.gradient(loss, [rows, others])
    gradients = {path: of_rows[path] + l2 * c * share[:, None] * rows[path] for path in rows}
    item_shares = tf.repeat(share, c), tf.reshape(candidates, [-1])
    for path, gradient in of_others.items():
        gradients[path] = _whole(gradient, others[path])
        if path.endswith("item_embedding/embeddings"):
            of_item = tf.math.unsorted_segment_sum(*item_shares, others[path].shape[0])
            gradients[path] += l2 * of_item[:, None] * others[path]
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
    state: tuple[Weights, Weights, Weights],
    sums: Weights,
    gradients: Weights,
    users: Any,
    rate: Any,
) -> tuple[tuple[Weights, Weights, Weights], Weights]:
    """Take one step; of user embeddings only the rows of the step's users move.

    So the cost of a step does not grow with the number of users. `sums` [n_users, width] are zero
    before and after; in between they add up the gradients of a user who comes up twice.
    """
    weights, first, second, sums = (dict(x) for x in (*state, sums))
    at = users[:, None]
    for path, gradient in gradients.items():
        if path not in sums:
            weights[path], first[path], second[path] = _adam_update(
                weights[path], first[path], second[path], gradient, rate
            )
            continue
        summed = tf.tensor_scatter_nd_add(sums[path], at, gradient)
        weight, moment, square = (tf.gather(x[path], users) for x in (weights, first, second))
        new = _adam_update(weight, moment, square, tf.gather(summed, users), rate)
        for whole, rows in zip((weights, first, second), new, strict=True):
            # rows of a user who comes up twice are equal, so their order does not matter
            whole[path] = tf.tensor_scatter_nd_update(whole[path], at, rows)
        sums[path] = tf.tensor_scatter_nd_update(summed, at, tf.zeros_like(gradient))
    return (weights, first, second), sums


def _adam_update(weight: Any, first: Any, second: Any, gradient: Any, rate: Any) -> tuple[Any, ...]:
    first = BETA_1 * first + (1 - BETA_1) * gradient
    second = BETA_2 * second + (1 - BETA_2) * gradient**2
    return weight - rate * first / (tf.sqrt(second) + EPSILON), first, second
