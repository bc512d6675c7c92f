"""What training does to a network's state in one epoch, over all parts of the positives.

Steps themselves are `epoch`'s; when epochs end, and which is kept, is `training`'s.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.epoch import Batches, State, epoch_function
from ncf_assets.ncf.examples import Part, Positives
from ncf_assets.ncf.pair_logits import Weights
from ncf_assets.ncf.randomness import integer_seed, rng
from ncf_assets.ncf.team import Team

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


def trainer(
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


def suitable_batch_size(n_examples: int, n_items: int) -> int:
    """Examples a step where none are set: 256 steps an epoch, down to 128 where items are many."""
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
        f"training must stay finite; {found}; lower learning_rate, for example to a tenth"
    )
