"""Train a network for one epoch, over all parts of the positives.

`compiled_epoch` takes the steps. `loop` decides when training ends, and which epoch is kept.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.random_streams import integer_seed, rng
from ncf_assets.ncf.training.cluster import Cluster
from ncf_assets.ncf.training.compiled_epoch import Batches, OptimizerState, epoch_function
from ncf_assets.ncf.training.neumf_logits import Weights
from ncf_assets.ncf.training.training_data import Part, Positives

# chosen: 256 steps an epoch trained well on MovieLens-1M; a step has at least the paper's 256
STEPS, FEWEST_STEPS, SMALLEST, LARGEST = 256, 128, 256, 65_536
# chosen: a step moves all item embeddings, which costs little next to twice as many examples
PER_ITEM = 2


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. The learning rate falls linearly to 0 at the end of `epochs`.

    `patience` is in epochs, `batch_size` in examples (positives and negatives); None stands for
    `default_batch_size`. `l2` is the penalty's weight, see `epoch_function`. Training validates and
    keeps the running mean of the epochs' weights, of which an epoch's share is 1 - `ema_decay`
    (Polyak and Juditsky 1992 average; chosen: with exponential weights, by epoch).
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    negatives_per_positive: int
    l2: float
    ema_decay: float
    patience: int
    seed: int


def trainer(
    positives: Positives, n_items: int, settings: TrainingSettings, cluster: Cluster
) -> Callable[[OptimizerState, int], tuple[OptimizerState, float, int]]:
    """Return a function: (state, epoch number) -> state after it, mean loss, number of examples."""
    if not positives.n:
        raise ValueError(
            "Training needs at least one (user, item) pair, got none. Give at least one."
        )
    per_positive = 1 + settings.negatives_per_positive  # examples
    batch_size = settings.batch_size or default_batch_size(positives.n * per_positive, n_items)
    members = cluster.size
    p = math.ceil(min(positives.largest, max(1, batch_size // per_positive)) / members) * members
    steps = math.ceil(positives.largest / p)  # of a part
    n_steps = settings.epochs * positives.n_parts * steps
    run = epoch_function(settings.negatives_per_positive, settings.l2, cluster)
    seed = integer_seed(settings.seed, "training negatives")

    def trained(state: OptimizerState, number: int) -> tuple[OptimizerState, float, int]:
        taken = (number - 1) * positives.n_parts * steps
        loss = 0.0
        for part in positives.epoch(rng(settings.seed, f"training epoch {number}")):
            rates = settings.learning_rate * (1 - (taken + np.arange(steps)) / n_steps)
            batches = _batches(part, steps, p)
            state, losses = run(state, batches, rates, taken, seed)
            _check_finite(number, losses, state.weights)
            loss += float(losses @ batches.sizes)
            taken += steps
        return state, loss / positives.n, positives.n * per_positive

    return trained


def _batches(part: Part, steps: int, p: int) -> Batches:
    """Return a part's positives in steps of p, the last ones filled up with the first positives."""
    users, items = (np.resize(side, (steps, p)) for side in (part.users, part.items))
    return Batches(users, items, part.user_items, n_positives=part.users.size)


def default_batch_size(n_examples: int, n_items: int) -> int:
    """Return the examples of a step where none are set.

    There are 256 steps an epoch, and down to 128 where items are many.
    """
    least, most = n_examples // STEPS, n_examples // FEWEST_STEPS
    return min(LARGEST, max(SMALLEST, least, min(most, PER_ITEM * n_items)))


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
        f"Training must stay finite, but {found}. Lower learning_rate, for example to a tenth."
    )
