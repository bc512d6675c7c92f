"""How a model is trained: epoch after epoch, validated after each, the best one kept.

What there is to train on is `examples`; what an epoch computes, `epoch`; what is told of it,
`history`; what the models are, `neumf`; the validation metrics, `metrics`.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf import metrics, ranking
from ncf_assets.ncf.epoch import Batches, State, epoch_function
from ncf_assets.ncf.examples import Examples, Part, Positives, StreamedExamples
from ncf_assets.ncf.history import Epoch, best_epoch
from ncf_assets.ncf.neumf import size
from ncf_assets.ncf.pair_logits import Weights, score_lists
from ncf_assets.ncf.randomness import integer_seed, rng
from ncf_assets.ncf.team import Team

K = 10  # He et al. 2017, section 4.1: lists are cut at 10
# ours: 256 steps an epoch trained well on MovieLens-1M; at least the paper's 256 examples a step
STEPS, FEWEST_STEPS, SMALLEST, LARGEST = 256, 128, 256, 65_536
# ours: a step walks over all item embeddings, which costs little beside twice as many examples
PER_ITEM = 2


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. The learning rate falls in a line to 0 at the end of `epochs`.

    `patience` is in epochs, `batch_size` in examples (positives and negatives); None stands for
    what suits the number of positives. `l2` is the penalty's weight, see `epoch_function`. What is
    validated and kept is the running mean of the epochs' weights, of which an epoch's share is
    1 - `averaging` (Polyak and Juditsky 1992 average; ours: with exponential weights, by epoch).
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    negatives_per_positive: int
    l2: float
    averaging: float
    patience: int
    seed: int


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
    trained = _trainer(examples.positives(*sizes), sizes[1], settings, team)
    zeros = {path: tf.zeros(shape) for path, shape in shapes.items()}
    state = State(zeros, zeros, zeros).of_chief(team)
    while epoch := team.told():
        state, _, _ = trained(state, int(epoch))


def suitable_batch_size(n_examples: int, n_items: int) -> int:
    """Examples a step where none are set: 256 steps an epoch, down to 128 where items are many."""
    least, most = n_examples // STEPS, n_examples // FEWEST_STEPS
    return min(LARGEST, max(SMALLEST, least, min(most, PER_ITEM * n_items)))


def _one_epoch(
    model: keras.Model,
    examples: Examples | StreamedExamples,
    settings: TrainingSettings,
    team: Team | None,
) -> Callable[[Progress], Progress]:
    """The function that trains and validates one epoch more."""
    trained = _trainer(examples.positives(*size(model)), size(model)[1], settings, team)

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


def _trainer(
    positives: Positives, n_items: int, settings: TrainingSettings, team: Team | None
) -> Callable[[State, int], tuple[State, float, int]]:
    """(state, number of an epoch) -> the state after it, its mean loss, and its examples."""
    if not positives.n:
        raise ValueError("training takes at least one pair of user and item, found none; give one")
    each = 1 + settings.negatives_per_positive
    batch_size = settings.batch_size or suitable_batch_size(positives.n * each, n_items)
    members = team.size if team else 1
    p = math.ceil(min(positives.largest, max(1, batch_size // each)) / members) * members
    steps = math.ceil(positives.largest / p)  # of a part
    in_all = settings.epochs * positives.n_parts * steps
    run = epoch_function(settings.negatives_per_positive, settings.l2, team)
    seed = integer_seed(settings.seed, "training negatives")

    def trained(state: State, number: int) -> tuple[State, float, int]:
        taken = (number - 1) * positives.n_parts * steps
        loss = 0.0
        for part in positives.epoch(rng(settings.seed, f"training epoch {number}")):
            rates = settings.learning_rate * (1 - (taken + np.arange(steps)) / in_all)
            batches = _batches(part, steps, p)
            state, losses = run(state, batches, rates, taken, seed)
            _check_finite(number, losses, state.weights)
            loss += float(losses @ batches.sizes)
            taken += steps
        return state, loss / positives.n, positives.n * each

    return trained


def _batches(part: Part, steps: int, p: int) -> Batches:
    """A part's positives in steps of p, the last ones filled up with the first positives."""
    users, items = (np.resize(side, (steps, p)) for side in (part.users, part.items))
    return Batches(users, items, part.histories, n_positives=part.users.size)


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


def _check_finite(epoch: int, losses: np.ndarray, weights: Weights) -> None:
    """Raise FloatingPointError if a step's loss or a weight is NaN or infinite."""
    broken = [path for path, weight in weights.items() if not np.isfinite(weight).all()]
    if not np.isfinite(losses).all():
        step = int(np.flatnonzero(~np.isfinite(losses))[0])
        found = f"in step {step + 1} of {losses.size} of epoch {epoch} the loss is {losses[step]}"
    elif broken:
        found = f"after epoch {epoch} there are weights that are not finite: {', '.join(broken)}"
    else:
        return
    raise FloatingPointError(
        f"training must stay finite; {found}; lower learning_rate, for example to a tenth"
    )
