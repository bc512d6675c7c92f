"""Train a network on pairs as the NCF paper does: positives against negatives, by cross-entropy.

He et al. 2017, section 3.1. `compiled_epoch` takes the steps. `loop` decides when training ends,
and which epoch is kept. `next_item` has the other objective.
"""

import math
from dataclasses import dataclass, replace

import keras
import numpy as np

from ncf_assets.ncf.interactions import Room
from ncf_assets.ncf.random_streams import integer_seed, rng
from ncf_assets.ncf.training.cluster import ONE_PROCESS, Cluster, Weights
from ncf_assets.ncf.training.compiled_epoch import Batches, epoch_function
from ncf_assets.ncf.training.optimizer_state import OptimizerState
from ncf_assets.ncf.training.training_data import Part, Positives

# chosen: 256 steps an epoch trained well on MovieLens-1M; a step has at least the paper's 256
STEPS, FEWEST_STEPS, SMALLEST, LARGEST = 256, 128, 256, 65_536
# chosen: a step moves all item embeddings, which costs little next to twice as many examples
PER_ITEM = 2


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. The learning rate falls linearly to 0 at the end of `epochs`.

    `batch_size` is in examples (positives and negatives); None stands for `default_batch_size`.
    `l2` is the penalty's weight, see `epoch_function`. The running mean of the epochs' weights is
    validated and kept, of which an epoch's share is 1 - `ema_decay` (Polyak and Juditsky 1992
    average; chosen: with exponential weights, by epoch).
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    negatives_per_positive: int
    l2: float
    ema_decay: float
    seed: int


class Pointwise:
    """The paper's objective: each pair of user and item is an example of its own.

    Args:
        positives: the pairs that users have interacted with
        n_items: the number of items, of which negatives are drawn
        settings: how to train
        cluster: the processes that share each step
        room: the number and the shape of steps that the fits of a network have in common; without
            it they are made for these positives

    Raises:
        ValueError: there are no positives.

    """

    def __init__(
        self,
        positives: Positives,
        n_items: int,
        settings: TrainingSettings,
        cluster: Cluster = ONE_PROCESS,
        room: Room | None = None,
    ) -> None:
        if not positives.n:
            raise ValueError(
                "Training needs at least one (user, item) pair, got none. Give at least one."
            )
        self._positives, self._settings = positives, settings
        self._per_positive = 1 + settings.negatives_per_positive  # examples
        examples = positives.n * self._per_positive
        batch_size = settings.batch_size or default_batch_size(examples, n_items)
        n = positives.largest  # of a part
        self._steps = room.steps if room else n_steps(n, batch_size // self._per_positive)
        p = math.ceil(max(n, room.in_all if room else 0) / self._steps)
        self._p = math.ceil(p / cluster.size) * cluster.size
        self._run = epoch_function(settings.negatives_per_positive, settings.l2, cluster)

    def start(self, model: keras.Model) -> Weights:
        """Return the weights to train: the model's own, by the paths of its variables."""
        return {v.path: v.value for v in model.trainable_variables}

    def epoch(self, state: OptimizerState, number: int) -> tuple[OptimizerState, float, int]:
        """Return the state after an epoch, which count from 1, its mean loss, and its examples."""
        settings, positives, steps = self._settings, self._positives, self._steps
        seed = integer_seed(settings.seed, "training negatives")
        n_steps = settings.epochs * positives.n_parts * steps
        taken, loss = (number - 1) * positives.n_parts * steps, 0.0
        before = state.averaged
        for part in positives.epoch(rng(settings.seed, f"training epoch {number}")):
            rates = settings.learning_rate * (1 - (taken + np.arange(steps)) / n_steps)
            batches = _batches(part, steps, self._p)
            state, losses = self._run(state, batches, rates, taken, seed)
            check_finite(number, losses, state.weights)
            loss += float(losses @ batches.sizes)
            taken += steps
        # the mean begins with epoch 1, the first trained one
        decay = settings.ema_decay if number > 1 else 0.0
        averaged = state.weights
        if decay:
            averaged = {
                path: (1 - decay) * weight + decay * before[path]
                for path, weight in state.weights.items()
            }
        state = replace(state, averaged=averaged)
        return state, loss / positives.n, positives.n * self._per_positive

    def model_weights(self, weights: Weights) -> Weights:
        """Return the weights of the Keras model: the trained ones themselves."""
        return weights


def n_steps(n: int, size: int) -> int:
    """Return in how many steps of this size or a little more n examples are taken."""
    return max(1, n // max(1, size))


def share_out(n: int, steps: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of n examples each step has: int64 [steps, width], and its size int32 [steps].

    The sizes are about equal, `width` at most. Beyond its size, a step's first example is repeated.
    """
    ends = np.arange(1, steps + 1) * n // steps
    sizes = np.diff(ends, prepend=0).astype(np.int32)
    within = np.arange(width)
    positions = (ends - sizes)[:, None] + np.where(within < sizes[:, None], within, 0)
    return np.minimum(positions, n - 1), sizes


def _batches(part: Part, steps: int, p: int) -> Batches:
    """Return a part's positives in steps of p at most."""
    positions, sizes = share_out(part.users.size, steps, p)
    return Batches(part.users[positions], part.items[positions], sizes, part.user_items)


def default_batch_size(n_examples: int, n_items: int) -> int:
    """Return the examples of a step where none are set.

    There are 256 steps an epoch, and down to 128 where items are many.
    """
    least, most = n_examples // STEPS, n_examples // FEWEST_STEPS
    return min(LARGEST, max(SMALLEST, least, min(most, PER_ITEM * n_items)))


def check_finite(epoch: int, losses: np.ndarray, weights: Weights) -> None:
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
