"""Train a model epoch after epoch, validate it after each, and keep the best epoch.

What an epoch does is up to its objective: `epoch.Pointwise` is the NCF paper's, and
`next_item.NextItem` predicts each user's next item. `epochs` records what an epoch reached. The
models are in `models.neumf`, and the validation in `evaluation.validation`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import keras

from ncf_assets.ncf.evaluation import neumf_scorer
from ncf_assets.ncf.evaluation.validation import Validation
from ncf_assets.ncf.training.cluster import ONE_PROCESS, Cluster, Weights
from ncf_assets.ncf.training.epoch import Pointwise
from ncf_assets.ncf.training.epochs import Epoch, best_epoch
from ncf_assets.ncf.training.optimizer_state import OptimizerState


class Objective(Protocol):
    """What a network learns, and how its weights are trained."""

    def start(self, model: keras.Model) -> Weights:
        """Return the weights to train, before any step."""

    def epoch(self, state: OptimizerState, number: int) -> tuple[OptimizerState, float, int]:
        """Return the state after an epoch, which count from 1, its mean loss, and its examples."""

    def model_weights(self, weights: Weights) -> Weights:
        """Return the weights of the Keras model, by the paths of its variables."""


@dataclass(frozen=True)
class TrainingState:
    """The state that training goes on from: epochs so far, optimizer, best weights."""

    history: tuple[Epoch, ...]
    optimizer: OptimizerState
    best: Weights

    @property
    def epochs_without_improvement(self) -> int:
        """Epochs since the best one."""
        return self.history[-1].epoch - best_epoch(self.history).epoch


def train(
    model: keras.Model,
    objective: Objective,
    validation: Validation,
    epochs: int,
    patience: int,
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
        objective: what it learns
        validation: what epochs are compared by; without users the last epoch is kept
        epochs: how many epochs at most; the objective's learning rate may be made for more
        patience: epochs without a better one
        on_epoch: called after each epoch, to show and to save the progress
        resume: the state that `on_epoch` got last, in an unfinished training of the same model,
            objective and settings
        cluster: the processes that train together; this one is worker 0, the others `follow`

    Returns:
        the epochs, from epoch 0

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
        ValueError: a user has all items in training, or there are no training pairs.

    """
    progress = resume or _untrained(model, objective, validation)
    if on_epoch and not resume:
        on_epoch(progress)
    with cluster.collective_errors():
        progress = replace(progress, optimizer=progress.optimizer.broadcast_from(cluster))
        while len(progress.history) <= epochs and progress.epochs_without_improvement < patience:
            cluster.broadcast(str(len(progress.history)))
            progress = _one_epoch(progress, objective, validation)
            if on_epoch:
                on_epoch(progress)
        cluster.broadcast()  # there are no more epochs
    best = objective.model_weights(progress.best)
    for variable in model.trainable_variables:
        variable.assign(best[variable.path])
    return list(progress.history)


def follow(objective: Pointwise, start: Weights, cluster: Cluster) -> None:
    """Do this process's share of every epoch that worker 0 trains, until it ends.

    Of `start`, the weights by path, only the shapes count.
    """
    state = OptimizerState.start(start).broadcast_from(cluster)
    while epoch := cluster.broadcast():
        state, _, _ = objective.epoch(state, int(epoch))


def _one_epoch(
    progress: TrainingState, objective: Objective, validation: Validation
) -> TrainingState:
    """Train and validate one more epoch."""
    number, start = len(progress.history), time.perf_counter()
    optimizer, loss, n_examples = objective.epoch(progress.optimizer, number)
    speed = n_examples / (time.perf_counter() - start)
    hr, ndcg = _validate(optimizer.averaged, objective, validation)
    epoch = Epoch(number, loss, hr, ndcg, time.perf_counter() - start, speed)
    history = (*progress.history, epoch)
    best = optimizer.averaged if best_epoch(history) is epoch else progress.best
    return TrainingState(history, optimizer, best)


def _untrained(model: keras.Model, objective: Objective, validation: Validation) -> TrainingState:
    """Return the state of epoch 0."""
    start, optimizer = time.perf_counter(), OptimizerState.start(objective.start(model))
    hr, ndcg = _validate(optimizer.weights, objective, validation)
    epoch = Epoch(0, None, hr, ndcg, time.perf_counter() - start, None)
    return TrainingState((epoch,), optimizer, optimizer.weights)


def _validate(
    weights: Weights, objective: Objective, validation: Validation
) -> tuple[float | None, float | None]:
    """Return HR@10 and NDCG@10; None without validation users."""
    if validation.empty:
        return None, None
    return validation.evaluate(neumf_scorer.from_weights(objective.model_weights(weights)))
