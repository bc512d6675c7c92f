"""Train a model epoch after epoch, validate it after each, and keep the best epoch.

`training_data` holds the data, `epoch` trains one epoch, and `epochs` records what it reached. The
models are in `models.neumf`, and the validation metrics in `evaluation.metrics`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from ncf_assets.ncf.evaluation import metrics, ranking
from ncf_assets.ncf.models.neumf import size
from ncf_assets.ncf.training.cluster import ONE_PROCESS, Cluster
from ncf_assets.ncf.training.compiled_epoch import OptimizerState
from ncf_assets.ncf.training.epoch import TrainingSettings, trainer
from ncf_assets.ncf.training.epochs import Epoch, best_epoch
from ncf_assets.ncf.training.neumf_logits import Weights, score_lists
from ncf_assets.ncf.training.training_data import StreamedTrainingData, TrainingData

K = 10  # He et al. 2017, section 4.1: lists are cut at 10


@dataclass(frozen=True)
class TrainingState:
    """The state that training goes on from: epochs so far, optimizer, mean and best weights."""

    history: tuple[Epoch, ...]
    state: OptimizerState
    averaged: Weights
    best: Weights

    @property
    def epochs_without_improvement(self) -> int:
        """Epochs since the best one."""
        return self.history[-1].epoch - best_epoch(self.history).epoch


def train(
    model: keras.Model,
    data: TrainingData | StreamedTrainingData,
    settings: TrainingSettings,
    on_epoch: Callable[[TrainingState], None] | None = None,
    resume: TrainingState | None = None,
    cluster: Cluster = ONE_PROCESS,
) -> list[Epoch]:
    """Train the model in place and leave it with the weights of its best epoch.

    Training ends after `epochs`, or after `patience` epochs that are not better than the best.
    Equal seeds give equal weights on the same machine with the same number of threads, whether or
    not training was interrupted and resumed.

    Args:
        model: from `neumf`
        data: the pairs to train on, and the lists to choose the epoch by
        settings: how to train
        on_epoch: called after each epoch, to show and to save the progress
        resume: the state that `on_epoch` got last, in an unfinished training of the same model,
            data and settings
        cluster: the processes that train together; this one is worker 0, the others `follow`

    Returns:
        the epochs, from epoch 0

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
        ValueError: a user has all items in training, or there are no training pairs.

    """
    one_epoch = _one_epoch(model, data, settings, cluster)
    progress = resume or _untrained(model, data)
    if on_epoch and not resume:
        on_epoch(progress)
    with cluster.collective_errors():
        progress = replace(progress, state=progress.state.broadcast_from(cluster))
        while (
            len(progress.history) <= settings.epochs
            and progress.epochs_without_improvement < settings.patience
        ):
            progress = one_epoch(progress)
            if on_epoch:
                on_epoch(progress)
        cluster.broadcast()  # there are no more epochs
    for variable in model.trainable_variables:
        variable.assign(progress.best[variable.path])
    return list(progress.history)


def follow(
    data: TrainingData | StreamedTrainingData,
    sizes: tuple[int, int],
    shapes: Mapping[str, Sequence[int]],
    settings: TrainingSettings,
    cluster: Cluster,
) -> None:
    """Do this process's share of every epoch that the chief trains, until the chief ends.

    `sizes` are the numbers of users and items, `shapes` those of the model's weights by path.
    """
    trained = trainer(data.positives(*sizes), sizes[1], settings, cluster)
    zeros = {path: tf.zeros(shape) for path, shape in shapes.items()}
    state = OptimizerState(zeros, zeros, zeros).broadcast_from(cluster)
    while epoch := cluster.broadcast():
        state, _, _ = trained(state, int(epoch))


def _one_epoch(
    model: keras.Model,
    data: TrainingData | StreamedTrainingData,
    settings: TrainingSettings,
    cluster: Cluster,
) -> Callable[[TrainingState], TrainingState]:
    """Return the function that trains and validates one more epoch."""
    trained = trainer(data.positives(*size(model)), size(model)[1], settings, cluster)

    def one_epoch(progress: TrainingState) -> TrainingState:
        number, start = len(progress.history), time.perf_counter()
        cluster.broadcast(str(number))
        state, loss, n_examples = trained(progress.state, number)
        speed = n_examples / (time.perf_counter() - start)
        averaged = _averaged(progress, state.weights, settings.ema_decay)
        hr, ndcg = _validate(averaged, data)
        epoch = Epoch(number, loss, hr, ndcg, time.perf_counter() - start, speed)
        history = (*progress.history, epoch)
        best = averaged if best_epoch(history) is epoch else progress.best
        return TrainingState(history, state, averaged, best)

    return one_epoch


def _untrained(model: keras.Model, data: TrainingData | StreamedTrainingData) -> TrainingState:
    """Return the state of epoch 0, with the model as it is."""
    start, state = time.perf_counter(), OptimizerState.of(model)
    hr, ndcg = _validate(state.weights, data)
    epoch = Epoch(0, None, hr, ndcg, time.perf_counter() - start, None)
    return TrainingState((epoch,), state, state.weights, state.weights)


def _averaged(before: TrainingState, weights: Weights, ema_decay: float) -> Weights:
    """Return the running mean with one more epoch. It begins at epoch 1, the first trained one."""
    if not ema_decay or len(before.history) == 1:
        return weights
    share = 1 - ema_decay
    return {
        path: share * weight + (1 - share) * before.averaged[path]
        for path, weight in weights.items()
    }


def _validate(
    weights: Weights, data: TrainingData | StreamedTrainingData
) -> tuple[float | None, float | None]:
    """Return HR@10 and NDCG@10 on the validation lists; None without any."""
    if not data.validation_users.size:
        return None, None
    scores = score_lists(weights, data.validation_users, data.validation_candidates)
    ranks = ranking.count_better_and_tied(scores)
    return float(metrics.hit_ratio(*ranks, K).mean()), float(metrics.ndcg(*ranks, K).mean())
