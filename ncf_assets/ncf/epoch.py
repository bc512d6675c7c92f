"""One epoch of training as one compiled graph: batches, gradients, steps of Adam.

XLA compiles the whole epoch, so that no step goes through Python. The logits are `pair_logits`;
how many epochs there are and which is kept is `training`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf import adam
from ncf_assets.ncf.pair_logits import Weights, is_item_table, is_user_table, pair_logits
from ncf_assets.ncf.team import Team
from ncf_assets.ncf.training_negatives import Histories, draw

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

    def of_chief(self, team: Team) -> "State":
        """The chief's state; of others only the shapes count."""
        return State(*(team.of_chief(x) for x in (self.weights, self.first, self.second)))


@dataclass(frozen=True)
class Batches:
    """Positives in steps of p, and what their users have. Those beyond `n_positives` only fill up.

    users, items: int32 [steps, p]
    """

    users: np.ndarray
    items: np.ndarray
    histories: Histories
    n_positives: int

    @property
    def sizes(self) -> np.ndarray:
        """Positives of each step, int64 [steps]."""
        steps, p = self.users.shape
        sizes: np.ndarray = (self.n_positives - np.arange(steps) * p).clip(0, p)
        return sizes


# (state, batches, learning rates float32 [steps], steps taken before, seed)
# -> (state, mean loss of each step float32 [steps])
EpochFunction = Callable[[State, Batches, np.ndarray, int, int], tuple[State, np.ndarray]]


def epoch_function(per_positive: int, l2: float, team: Team | None = None) -> EpochFunction:
    """Compile an epoch with `per_positive` negatives for each positive, drawn anew in each step.

    A team divides the positives of each step, whose number is then a multiple of its size. All draw
    the negatives of all, and so train what one process would.

    A step minimises the mean binary cross-entropy of its examples and the penalty l2 / 2 · the
    squared norm of the embeddings of each example (Rendle et al. 2020, "Neural Collaborative
    Filtering vs. Matrix Factorization Revisited", section 4.1).
    """
    compiled = partial(tf.function, jit_compile=True)
    # XLA has no collectives between processes, so of a team's steps it compiles only the parts
    draw_, gradients_, update = (compiled(f) for f in (draw, _gradients, adam.update))

    def run(state, histories, users, items, n_positives, rates, taken, seed):  # type: ignore[no-untyped-def]
        steps, p = users.shape

        def body(step, state, losses):  # type: ignore[no-untyped-def]
            seeds = tf.stack([seed, taken + step])
            drawn = draw_(histories, users[step], per_positive, seeds)
            candidates = tf.concat([items[step][:, None], drawn], axis=1)
            kept = tf.cast(step * p + tf.range(p) < n_positives, tf.float32)  # [p]
            # [p], of each of a positive's examples; a step may have none at all
            share = kept / (tf.maximum(tf.reduce_sum(kept), 1) * (1 + per_positive))
            own = team.share(p) if team else slice(None)
            at = _by_row(state[0], users[step][own], candidates[own])
            result = *gradients_(state[0], at, candidates[own], share[own], l2), at
            loss, gradients, at = team.joined(*result) if team else result
            rate = adam.corrected(rates[step], taken + step + 1)
            state = adam.step(state, gradients, at, partial(update, rate=rate))
            return step + 1, state, tf.tensor_scatter_nd_update(losses, [[step]], [loss])

        start = (tf.constant(0), state, tf.zeros([steps]))
        _, state, losses = tf.while_loop(lambda step, *_: step < steps, body, start)
        return state, losses

    compiled_run = tf.function(run, jit_compile=team is None)

    def epoch(
        state: State, batches: Batches, rates: np.ndarray, taken: int, seed: int
    ) -> tuple[State, np.ndarray]:
        new, losses = compiled_run(
            (state.weights, state.first, state.second),
            batches.histories,
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
    weights: Weights, at: Mapping[str, Any], candidates: Any, share: Any, l2: float
) -> tuple[Any, Weights]:
    """Weighted cross-entropy of a step's examples, and the gradients of it and of the penalty.

    candidates int32 [p, c] begin with the positive; share [p] is the weight of each example of a
    positive, 0 for what only fills up. The gradients of embeddings in `at` are of the rows there,
    all others of whole weights.
    """
    p, c = candidates.shape
    part = {path: tf.gather(w, at[path]) if path in at else w for path, w in weights.items()}
    if any(is_item_table(path) for path in at):
        candidates = tf.reshape(tf.range(p * c), [p, c])  # as places in `part`
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
