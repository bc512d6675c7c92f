"""How a model is trained: epoch after epoch, validated after each, the best one kept.

What an epoch computes is `epoch`; what is told of it, `history`; what the models are, `neumf`; the
validation metrics, `metrics`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from ncf_assets.ncf import metrics, ranking
from ncf_assets.ncf.epoch import Batches, EpochFunction, State, epoch_function
from ncf_assets.ncf.history import Epoch, best_epoch
from ncf_assets.ncf.neumf import size
from ncf_assets.ncf.pair_logits import Weights, score_lists
from ncf_assets.ncf.randomness import integer_seed, rng
from ncf_assets.ncf.training_negatives import TrainingNegatives

K = 10  # He et al. 2017, section 4.1: lists are cut at 10
# ours: 256 steps an epoch trained well on MovieLens-1M; at least the paper's 256 examples a step
STEPS, FEWEST_STEPS, SMALLEST, LARGEST = 256, 128, 256, 65_536
# ours: a step walks over all item embeddings, which costs little beside twice as many examples
PER_ITEM = 2


@dataclass(frozen=True)
class Examples:
    """What there is to train on, and to choose the epoch by. Integers; no user needs to be known.

    users, items: [n], the positives
    validation_users: [m], may be empty; then the last epoch is kept
    validation_candidates: [m, 1 + c], the held-out item at column 0
    """

    users: np.ndarray
    items: np.ndarray
    validation_users: np.ndarray
    validation_candidates: np.ndarray


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
    examples: Examples,
    settings: TrainingSettings,
    on_epoch: Callable[[Progress], None] | None = None,
    resume: Progress | None = None,
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

    Returns:
        the epochs, from epoch 0

    Raises:
        FloatingPointError: the loss or a weight is no longer finite.
        ValueError: a user has all items in training, or there are no training pairs.

    """
    one_epoch = _one_epoch(model, examples, settings)
    progress = resume or _untrained(model, examples)
    if on_epoch and not resume:
        on_epoch(progress)
    while len(progress.history) <= settings.epochs and progress.waited < settings.patience:
        progress = one_epoch(progress)
        if on_epoch:
            on_epoch(progress)
    for variable in model.trainable_variables:
        variable.assign(progress.best[variable.path])
    return list(progress.history)


def suitable_batch_size(n_examples: int, n_items: int) -> int:
    """Examples a step where none are set: 256 steps an epoch, down to 128 where items are many."""
    least, most = n_examples // STEPS, n_examples // FEWEST_STEPS
    return min(LARGEST, max(SMALLEST, least, min(most, PER_ITEM * n_items)))


def _one_epoch(
    model: keras.Model, examples: Examples, settings: TrainingSettings
) -> Callable[[Progress], Progress]:
    """The function that trains and validates one epoch more."""
    n = examples.users.size
    if not n:
        raise ValueError("training takes at least one pair of user and item, found none; give one")
    n_users, n_items = size(model)
    negatives = TrainingNegatives(examples.users, examples.items, n_users, n_items)
    run = epoch_function(negatives, settings.negatives_per_positive, settings.l2)
    p = _positives_per_step(n, n_items, settings)

    def one_epoch(progress: Progress) -> Progress:
        number, start = len(progress.history), time.perf_counter()
        order = rng(settings.seed, f"training epoch {number}").permutation(n)
        batches = _batches(examples.users[order], examples.items[order], p)
        state, loss = _trained(run, progress.state, batches, number, settings)
        n_examples = n * (1 + settings.negatives_per_positive)
        speed = n_examples / (time.perf_counter() - start)
        averaged = _averaged(progress, state.weights, settings.averaging)
        hr, ndcg = _validate(averaged, examples)
        epoch = Epoch(number, loss, hr, ndcg, time.perf_counter() - start, speed)
        history = (*progress.history, epoch)
        best = averaged if best_epoch(history) is epoch else progress.best
        return Progress(history, state, averaged, best)

    return one_epoch


def _positives_per_step(n: int, n_items: int, settings: TrainingSettings) -> int:
    each = 1 + settings.negatives_per_positive
    batch_size = settings.batch_size or suitable_batch_size(n * each, n_items)
    return min(n, max(1, batch_size // each))


def _batches(users: np.ndarray, items: np.ndarray, p: int) -> Batches:
    """Positives in steps of p, the last one filled up with the first positives."""
    n = users.size
    steps = math.ceil(n / p)
    users, items = (np.resize(x, (steps, p)).astype(np.int32) for x in (users, items))
    return Batches(users, items, n_positives=n)


def _trained(
    run: EpochFunction, state: State, batches: Batches, number: int, settings: TrainingSettings
) -> tuple[State, float]:
    """The state after epoch `number`, and its mean loss over all examples."""
    steps, p = batches.users.shape
    taken = (number - 1) * steps
    rates = settings.learning_rate * (1 - (taken + np.arange(steps)) / (settings.epochs * steps))
    seed = integer_seed(settings.seed, "training negatives")
    state, losses = run(state, batches, rates, taken, seed)
    _check_finite(number, losses, state.weights)
    sizes = np.full(steps, p)
    sizes[-1] -= steps * p - batches.n_positives
    return state, float(np.average(losses, weights=sizes))


def _untrained(model: keras.Model, examples: Examples) -> Progress:
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


def _validate(weights: Weights, examples: Examples) -> tuple[float | None, float | None]:
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
