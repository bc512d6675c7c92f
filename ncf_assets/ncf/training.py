"""How a model is trained: epoch after epoch, validated after each, the best one kept.

What there is to train on is `examples`; what one epoch does, `trainer`; what is told of it,
`history`; what the models are, `neumf`; the validation metrics, `metrics`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from ncf_assets.ncf import metrics, ranking
from ncf_assets.ncf.epoch import State
from ncf_assets.ncf.examples import Examples, StreamedExamples
from ncf_assets.ncf.history import Epoch, best_epoch
from ncf_assets.ncf.neumf import size
from ncf_assets.ncf.pair_logits import Weights, score_lists
from ncf_assets.ncf.team import Team
from ncf_assets.ncf.trainer import TrainingSettings, trainer

K = 10  # He et al. 2017, section 4.1: lists are cut at 10


@dataclass(frozen=True)
class Progress:
    """All that training goes on from: the epochs so far, where they led, their mean, the best."""

    history: tuple[Epoch, ...]
    state: State
    averaged: Weights
    best: Weights

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return self.history[-1].epoch - best_epoch(self.history).epoch


def train(
    model: keras.Model,
    examples: Examples | StreamedExamples,
    settings: TrainingSettings,
    on_epoch: Callable[[Progress], None] | None = None,
    resume: Progress | None = None,
    team: Team | None = None,
) -> list[Epoch]:
    """Train the model in place and leave it with the weights of its best epoch.

    Training ends after `epochs`, or after `patience` epochs that are not better than the best.
    Equal seeds give equal weights on the same machine with the same number of threads, whether
    training went through or was resumed.

    Args:
        model: from `neumf`
        examples: what to train on and to choose by
        settings: how to train
        on_epoch: called after each epoch, to show and to save the progress
        resume: what `on_epoch` was given last, by a training of the same model, examples and
            settings that did not end
        team: of which this process is the chief, and whose others `follow`

    Returns:
        the epochs, from epoch 0

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
        ValueError: a user has all items in training, or there are no training pairs.

    """
    one_epoch = _one_epoch(model, examples, settings, team)
    progress = resume or _untrained(model, examples)
    if on_epoch and not resume:
        on_epoch(progress)
    with team.together() if team else nullcontext():
        if team:
            progress = replace(progress, state=progress.state.of_chief(team))
        while len(progress.history) <= settings.epochs and progress.waited < settings.patience:
            progress = one_epoch(progress)
            if on_epoch:
                on_epoch(progress)
        if team:
            team.told()  # that was the last
    for variable in model.trainable_variables:
        variable.assign(progress.best[variable.path])
    return list(progress.history)


def follow(
    examples: Examples | StreamedExamples,
    sizes: tuple[int, int],
    shapes: Mapping[str, Sequence[int]],
    settings: TrainingSettings,
    team: Team,
) -> None:
    """Do this process's share of every epoch that the chief trains, until it ends.

    Sizes are the numbers of users and items, shapes those of the model's weights by path.
    """
    trained = trainer(examples.positives(*sizes), sizes[1], settings, team)
    zeros = {path: tf.zeros(shape) for path, shape in shapes.items()}
    state = State(zeros, zeros, zeros).of_chief(team)
    while epoch := team.told():
        state, _, _ = trained(state, int(epoch))


def _one_epoch(
    model: keras.Model,
    examples: Examples | StreamedExamples,
    settings: TrainingSettings,
    team: Team | None,
) -> Callable[[Progress], Progress]:
    """The function that trains and validates one epoch more."""
    trained = trainer(examples.positives(*size(model)), size(model)[1], settings, team)

    def one_epoch(progress: Progress) -> Progress:
        number, start = len(progress.history), time.perf_counter()
        if team:
            team.told(str(number))
        state, loss, n_examples = trained(progress.state, number)
        speed = n_examples / (time.perf_counter() - start)
        averaged = _averaged(progress, state.weights, settings.averaging)
        hr, ndcg = _validate(averaged, examples)
        epoch = Epoch(number, loss, hr, ndcg, time.perf_counter() - start, speed)
        history = (*progress.history, epoch)
        best = averaged if best_epoch(history) is epoch else progress.best
        return Progress(history, state, averaged, best)

    return one_epoch


def _untrained(model: keras.Model, examples: Examples | StreamedExamples) -> Progress:
    """Epoch 0: the model as it is."""
    start, state = time.perf_counter(), State.of(model)
    hr, ndcg = _validate(state.weights, examples)
    epoch = Epoch(0, None, hr, ndcg, time.perf_counter() - start, None)
    return Progress((epoch,), state, state.weights, state.weights)


def _averaged(before: Progress, weights: Weights, averaging: float) -> Weights:
    """The running mean with one epoch more. It begins with epoch 1, whose weights are trained."""
    if not averaging or len(before.history) == 1:
        return weights
    share = 1 - averaging
    return {
        path: share * weight + (1 - share) * before.averaged[path]
        for path, weight in weights.items()
    }


def _validate(
    weights: Weights, examples: Examples | StreamedExamples
) -> tuple[float | None, float | None]:
    """HR@10 and NDCG@10 on the validation lists; None without any."""
    if not examples.validation_users.size:
        return None, None
    scores = score_lists(weights, examples.validation_users, examples.validation_candidates)
    ranks = ranking.count_better_and_tied(scores)
    return float(metrics.hit_ratio(*ranks, K).mean()), float(metrics.ndcg(*ranks, K).mean())
