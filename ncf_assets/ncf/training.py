"""How a model is trained: fresh negatives each epoch, batches in the graph, the best epoch kept.

What the models are is `neumf`; the negatives, `sampling`; the validation metrics, `metrics`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf import metrics, ranking
from ncf_assets.ncf.neumf import logits, scorer, size
from ncf_assets.ncf.randomness import rng
from ncf_assets.ncf.sampling import TrainingNegatives

K = 10  # He et al. 2017, section 4.1: lists are cut at 10

# (users int32 [n], items int32 [n], labels float32 [n]) -> mean loss, a scalar tensor
EpochFunction = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. `patience` is in epochs, `batch_size` in examples (positives and negatives)."""

    epochs: int
    batch_size: int
    learning_rate: float
    negatives_per_positive: int
    optimizer: Literal["adam", "sgd"]
    patience: int
    seed: int


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training examples reached; epoch 0 is the model before training."""

    epoch: int
    loss: float | None  # mean binary cross-entropy; None for epoch 0
    validation_hr_at_10: float | None  # None without validation users
    validation_ndcg_at_10: float | None
    seconds: float  # validation included
    # validation excluded, and in epoch 1 the tracing of the graph included; None for epoch 0
    examples_per_second: float | None


class BestWeights:
    """The weights of the epoch with the highest validation NDCG@10, the first of equals.

    Without validation every epoch counts as better than those before.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._ndcg = -math.inf
        self.epoch = 0

    def consider(self, epoch: Epoch) -> None:
        """Remember the model's weights if the epoch is the best so far."""
        ndcg = epoch.validation_ndcg_at_10
        if ndcg is None or ndcg > self._ndcg:
            self._ndcg = -math.inf if ndcg is None else ndcg
            self._weights = self._model.get_weights()
            self.epoch = epoch.epoch

    def restore(self) -> None:
        """Give the model the weights of its best epoch."""
        self._model.set_weights(self._weights)


def train(
    model: keras.Model,
    users: np.ndarray,
    items: np.ndarray,
    validation_users: np.ndarray,
    validation_candidates: np.ndarray,
    settings: TrainingSettings,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train the model in place and leave it with the weights of its best epoch.

    Training ends after `epochs`, or after `patience` epochs that are not better than the best.
    Equal seeds give equal weights on the same machine with the same number of threads: for that
    TensorFlow is switched to deterministic operations, which holds for the rest of the process.

    Args:
        model: from `neumf`
        users: integers [n], with items the training pairs
        items: integers [n]
        validation_users: integers [m]; may be empty, then the last epoch is kept
        validation_candidates: integers [m, 1 + c], the held-out item at column 0
        settings: how to train
        on_epoch: called after each epoch, for progress

    Returns:
        the epochs, from epoch 0

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
        ValueError: a user has all items in training, or there are no training pairs.

    """
    # TensorFlow promises equal bits under this switch alone; no cost in time could be measured
    tf.config.experimental.enable_op_determinism()
    one_epoch = _one_epoch(model, users, items, settings)
    validate = _validation(model, validation_users, validation_candidates)
    best = BestWeights(model)
    history: list[Epoch] = []
    while len(history) <= settings.epochs and len(history) - best.epoch <= settings.patience:
        epoch = _timed(len(history), one_epoch, validate)
        best.consider(epoch)
        history.append(epoch)
        if on_epoch:
            on_epoch(epoch)
    best.restore()
    return history


def describe(epoch: Epoch, epochs: int) -> str:
    """One line of progress, such as `epoch 3 of 20: loss 0.3120, …`."""
    parts = [
        (epoch.loss, "loss {:.4f}"),
        (epoch.validation_hr_at_10, "validation HR@10 {:.4f}"),
        (epoch.validation_ndcg_at_10, "validation NDCG@10 {:.4f}"),
        (epoch.seconds, "{:.1f} s"),
        (epoch.examples_per_second, "{:,.0f} examples/s"),
    ]
    known = ", ".join(text.format(value) for value, text in parts if value is not None)
    return f"epoch {epoch.epoch} of {epochs}: {known}"


def _timed(
    number: int,
    one_epoch: Callable[[int], tuple[float, int]],
    validate: Callable[[], tuple[float | None, float | None]],
) -> Epoch:
    """Run one epoch (none for epoch 0), then validate."""
    start = time.perf_counter()
    loss, n_examples = one_epoch(number) if number else (None, 0)
    trained = time.perf_counter()
    hr, ndcg = validate()
    seconds = time.perf_counter() - start
    speed = n_examples / (trained - start) if number else None
    return Epoch(number, loss, hr, ndcg, seconds, speed)


def _one_epoch(
    model: keras.Model, users: np.ndarray, items: np.ndarray, settings: TrainingSettings
) -> Callable[[int], tuple[float, int]]:
    """The function that trains epoch `number` and gives its mean loss and number of examples."""
    if not users.size:
        raise ValueError("training takes at least one pair of user and item, found none")
    negatives = TrainingNegatives(users, items, size(model)[1])
    run = _epoch_function(model, settings)

    def one_epoch(number: int) -> tuple[float, int]:
        generator = rng(settings.seed, f"training epoch {number}")
        drawn = negatives.draw(generator, users, settings.negatives_per_positive)
        examples = _examples(generator, users, items, drawn)
        loss = float(run(*examples))
        _check_finite(number, loss, model)
        return loss, examples[0].size

    return one_epoch


def _examples(
    generator: np.random.Generator, users: np.ndarray, items: np.ndarray, negatives: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shuffled users int32, items int32 and labels float32, each [n * (1 + negatives)]."""
    all_items = np.column_stack([items.astype(np.int32), negatives])  # [n, 1 + negatives]
    all_users = np.repeat(users.astype(np.int32), all_items.shape[1])
    labels = np.zeros(all_items.shape, np.float32)
    labels[:, 0] = 1
    order = generator.permutation(all_users.size)
    return all_users[order], all_items.ravel()[order], labels.ravel()[order]


def _epoch_function(model: keras.Model, settings: TrainingSettings) -> EpochFunction:
    """One epoch as one graph, so that small batches do not wait for Python.

    Slices end where the examples end: the last batch has the remaining examples and its mean
    loss weighs, in the step, as much as a full one's.
    """
    logit = logits(model)
    weights = logit.trainable_variables
    optimizers = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
    optimizer = optimizers[settings.optimizer](settings.learning_rate)
    optimizer.build(weights)

    def run(users: Any, items: Any, labels: Any) -> Any:
        total = tf.constant(0.0, tf.float64)
        for start in tf.range(0, tf.size(labels), settings.batch_size):
            end = start + settings.batch_size
            with tf.GradientTape() as tape:
                pairs = {"user": users[start:end], "item": items[start:end]}
                losses = tf.nn.sigmoid_cross_entropy_with_logits(
                    labels[start:end], logit(pairs, training=True)[:, 0]
                )  # [batch]
                loss = tf.reduce_mean(losses)
            gradients = [_one_slice_per_row(x) for x in tape.gradient(loss, weights)]
            optimizer.apply(gradients, weights)
            total += tf.cast(tf.reduce_sum(losses), tf.float64)
        return total / tf.cast(tf.size(labels), tf.float64)

    ids = tf.TensorSpec([None], tf.int32)
    epoch: EpochFunction = tf.function(
        run, input_signature=[ids, ids, tf.TensorSpec([None], tf.float32)]
    )
    return epoch


def _one_slice_per_row(gradient: Any) -> Any:
    """Sum an embedding's gradient over the examples of the same user or item.

    Keras does not: its Adam would square each example's part on its own, and its SGD would add
    the parts of a row from several threads, in an order that changes from run to run.
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    order = tf.argsort(gradient.indices, stable=True)
    rows, places = tf.unique(tf.gather(gradient.indices, order))
    sums = tf.math.segment_sum(tf.gather(gradient.values, order), places)  # [rows, width]
    return tf.IndexedSlices(sums, rows, gradient.dense_shape)


def _validation(
    model: keras.Model, users: np.ndarray, candidates: np.ndarray
) -> Callable[[], tuple[float | None, float | None]]:
    """The function that gives the model's present HR@10 and NDCG@10."""
    score = scorer(model)

    def validate() -> tuple[float | None, float | None]:
        if not users.size:
            return None, None
        ranks = ranking.count_better_and_tied(ranking.score(score, users, candidates))
        return (
            float(metrics.hit_ratio(*ranks, K).mean()),
            float(metrics.ndcg(*ranks, K).mean()),
        )

    return validate


def _check_finite(epoch: int, loss: float, model: keras.Model) -> None:
    """Raise FloatingPointError if the epoch's loss or a weight is NaN or infinite."""
    if not math.isfinite(loss):
        found = f"the loss is {loss}"
    elif broken := [w.path for w in model.weights if not np.isfinite(w.numpy()).all()]:
        found = f"weights that are not finite: {', '.join(broken)}"
    else:
        return
    raise FloatingPointError(
        f"training must stay finite; after epoch {epoch} {found};"
        " lower learning_rate, for example to a tenth"
    )
