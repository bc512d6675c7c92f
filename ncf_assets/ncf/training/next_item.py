"""Train NeuMF to predict each user's next item from the items before it.

While it is trained, a user's embedding is not free: it is the sum of embeddings of the user's
latest items, each weighed by its age (Kabbur et al. 2013, "FISM: Factored Item Similarity Models";
He et al. 2018, "NAIS", who sum as well). So each position of each history is an example, what was
bought last counts most, and no embedding of a user has to be learnt from a handful of items.
Afterwards the sums over the complete histories are written into the user embeddings, and the
network is the plain NeuMF of `models.neumf`.

The columns of an implicit factorization (`models.ials`) stand beside those that are learnt, as they
were solved for: GMF's half is [factorization | history | bias of the item].
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ncf_assets.ncf.evaluation import neumf_scorer
from ncf_assets.ncf.evaluation.validation import Validation
from ncf_assets.ncf.interactions import Interactions, Room
from ncf_assets.ncf.models import model_selection
from ncf_assets.ncf.models.fold_in import user_embeddings
from ncf_assets.ncf.models.ials import Factors
from ncf_assets.ncf.random_streams import integer_seed, rng
from ncf_assets.ncf.training import adam
from ncf_assets.ncf.training.cluster import Weights
from ncf_assets.ncf.training.epoch import check_finite, n_steps, share_out
from ncf_assets.ncf.training.optimizer_state import OptimizerState

# chosen on validation items of Musical Instruments, Beauty and Toys: see docs/training.md
STEPS, FEWEST_EXAMPLES, MOST_EXAMPLES = 128, 64, 16_384
NEGATIVES = 512
MOST_PAIRS = 2**28  # of example and negative in an epoch; chosen: it bounds the time
POPULARITY = 0.75  # negatives are drawn in proportion to popularity to this power
# of more items, the 2^23 random numbers of float32 are too few to draw each by its share
FLOAT32_ITEMS = 2**20
DEVIATION = 0.05  # of fresh embeddings
NEGLIGIBLE = 1e-3  # of those of histories: it breaks ties, as of factors that are all zero
FIRST_HALF_LIFE = 2.0  # of the weights by age, before they are trained
LAST_RATE = 0.1  # of the learning rate, after all epochs


@dataclass(frozen=True)
class NextItemSettings:
    """How to train. The learning rate falls in a line to a tenth at the end of `epochs`.

    An example is one position of a history, whose `history_length` items before it are looked at;
    a step has `batch_size` of them; None stands for `default_batch_size`. They share `negatives`;
    None stands for 512, or fewer where an epoch would have more than 2^28 pairs. The mean of the
    steps' weights is validated and kept, of which a step's share is 1 - `ema_decay` (Polyak and
    Juditsky 1992 average; chosen: with exponential weights). `factorization_scale` is the logit
    that a factorization's score of 1 adds.
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    negatives: int | None
    history_length: int
    factorization_scale: float
    ema_decay: float
    seed: int


class NextItem:
    """The objective: a softmax of the next item against negatives that a step's examples share.

    The negatives' logits are corrected for how often they are drawn (Bengio and Senécal 2008). A
    history of one item has no example; without any example there is nothing to learn, and the
    network stays as it starts.

    Args:
        interactions: the histories
        factors: the factorization of the same interactions
        width: the number of learnt columns of GMF
        settings: how to train
        room: the number and the shape of steps that the fits of a network have in common; without
            it they are made for these interactions

    """

    def __init__(
        self,
        interactions: Interactions,
        factors: Factors,
        width: int,
        settings: NextItemSettings,
        room: Room | None = None,
    ) -> None:
        self._interactions, self._factors = interactions, factors
        self._width, self._settings = width, settings
        begins = np.zeros(interactions.n, bool)
        begins[interactions.starts[:-1][np.diff(interactions.starts) > 0]] = True
        self._examples = np.flatnonzero(~begins).astype(np.int32)
        n, self._in_all = self._examples.size, interactions.n
        self._steps, most = n_steps(n, settings.batch_size or default_batch_size(n)), n
        if room:  # each user's first interaction is no example
            self._steps, self._in_all = room.steps, max(self._in_all, room.in_all)
            most = max(n, room.in_all - interactions.n_users)
        self._batch = math.ceil(most / self._steps)
        affordable = MOST_PAIRS // max(n, 1)
        self._negatives = settings.negatives or min(NEGATIVES, max(affordable, 1))

    @staticmethod
    def columns(factors: Factors, width: int) -> int:
        """Return the width of GMF's half: of the factorization, of what is learnt, of the bias."""
        return factors.items.shape[1] + width + 1

    def start(self, model: keras.Model) -> Weights:
        """Return fresh weights; those of the MLP half's hidden layers are the model's."""
        n_items, settings = self._interactions.n_items, self._settings
        fresh = {v.path: v.numpy() for v in model.trainable_variables}
        mlp_width = fresh["mlp_item_embedding/embeddings"].shape[1]
        n_output = len(fresh["logit/kernel"]) - self.columns(self._factors, self._width)

        def normal(name: str, deviation: float, *shape: int) -> np.ndarray:
            return rng(settings.seed, f"next item: {name}").normal(0, deviation, shape)

        weights = {
            # next to zero and zeros: before training the network ranks as the factorization does
            "gmf_history": normal("gmf_history", NEGLIGIBLE, n_items, self._width),
            "mlp_output": np.zeros(n_output),
            "item_bias": np.zeros(n_items),
            "gmf_item": normal("gmf_item", DEVIATION, n_items, self._width),
            "mlp_history": normal("mlp_history", DEVIATION, n_items, mlp_width),
            "mlp_item": normal("mlp_item", DEVIATION, n_items, mlp_width),
            "age": 0.5 ** (np.arange(settings.history_length) / FIRST_HALF_LIFE),
            **{path: x for path, x in fresh.items() if path.startswith("mlp_hidden_")},
        }
        return {name: np.asarray(weight, np.float32) for name, weight in weights.items()}

    def epoch(self, state: OptimizerState, number: int) -> tuple[OptimizerState, float, int]:
        """Return the state after an epoch, which count from 1, its mean loss, and its examples."""
        settings, steps, n = self._settings, self._steps, self._examples.size
        if not n:
            return state, 0.0, 0
        order = rng(settings.seed, f"next item epoch {number}").permutation(self._examples)
        positions, sizes = share_out(n, steps, self._batch)
        taken = (number - 1) * steps
        done = (taken + np.arange(steps)) / (settings.epochs * steps)
        rates = settings.learning_rate * (LAST_RATE + (1 - LAST_RATE) * (1 - done))
        new, losses = _epoch(
            (state.weights, state.first, state.second, state.averaged),
            self._tensors,
            tf.constant(order[positions]),
            tf.constant(sizes),
            tf.constant(rates, tf.float32),
            tf.constant(taken),
            tf.constant(integer_seed(settings.seed, "next item negatives")),
            self._negatives,
            settings.ema_decay,
        )
        *optimizer, averaged = new
        state = replace(state.after(*optimizer), averaged=averaged)
        losses = losses.numpy()
        check_finite(number, losses, state.weights)
        return state, float(losses @ sizes) / n, n

    def model_weights(self, weights: Weights) -> Weights:
        """Return the weights of the Keras model, with the embeddings of users written out."""
        found = {name: np.asarray(weight) for name, weight in weights.items()}
        scale = self._settings.factorization_scale
        users = user_embeddings(self._interactions, self._factors.users, scale, found)
        items = [self._factors.items, found["gmf_item"], found["item_bias"][:, None]]
        kernel = np.ones(self.columns(self._factors, self._width), np.float32)
        return {
            **users,
            "gmf_item_embedding/embeddings": np.concatenate(items, axis=1),
            "mlp_item_embedding/embeddings": found["mlp_item"],
            **{path: x for path, x in found.items() if path.startswith("mlp_hidden_")},
            "logit/kernel": np.concatenate([kernel, found["mlp_output"]])[:, None],
            "logit/bias": np.zeros(1, np.float32),
        }

    def choose_scale(
        self, model: keras.Model, scales: Sequence[float], validation: Validation
    ) -> float:
        """Weigh the factorization in the trained model by validation, in place; return its scale.

        `scales` are ascending values to try, which `model_selection.select` searches.
        """
        weights = {variable.path: variable.numpy() for variable in model.trainable_variables}
        path = "gmf_user_embedding/embeddings"
        width = self._factors.users.shape[1]

        def scaled(scale: float) -> Weights:
            users = weights[path].copy()
            users[:, :width] = np.float32(scale) * self._factors.users
            return {**weights, path: users}

        found = model_selection.select(
            lambda scale: neumf_scorer.NetworkScores(scaled(scale)),
            lambda scale: scale,
            {"scale": scales},
            validation,
        )
        for variable in model.trainable_variables:
            if variable.path == path:
                variable.assign(scaled(found.settings)[path])
        return found.settings

    @cached_property
    def _tensors(self) -> tuple[tf.Tensor, ...]:
        """Return items [in_all], where each one's history begins, and how negatives are drawn."""
        found = self._interactions
        popularity = np.bincount(found.items, minlength=found.n_items).astype(np.float64)
        share = popularity**POPULARITY / (popularity**POPULARITY).sum()
        with np.errstate(divide="ignore"):  # an item without interactions is never drawn
            expected = np.log(share * self._negatives)
        beyond = 0, self._in_all - found.n
        return (
            tf.constant(np.pad(found.items, beyond)),
            tf.constant(np.pad(found.starts[found.users], beyond), tf.int32),
            tf.constant(cumulated(share)),
            tf.constant(expected, tf.float32),
        )


def default_batch_size(n_examples: int) -> int:
    """Return the examples of a step where none are set: a 128th, within limits."""
    return min(MOST_EXAMPLES, max(FEWEST_EXAMPLES, n_examples // STEPS))


def cumulated(share: np.ndarray) -> np.ndarray:
    """Return the upper ends of the parts of 0 to 1 that stand for the items: floats [n_items].

    Of many items they are float64, and so are the random numbers that fall into the parts.
    """
    return np.cumsum(share).astype(np.float64 if share.size > FLOAT32_ITEMS else np.float32)


@tf.function(jit_compile=True, autograph=False)  # it would take longer than tracing
def _epoch(state, data, batches, sizes, rates, taken, seed, negatives, ema_decay):  # type: ignore[no-untyped-def]
    """Take the steps of an epoch: batches int32 [steps, b] are positions among the interactions."""
    cumulated, (steps, b) = data[2], batches.shape

    def body(step, state, losses):  # type: ignore[no-untyped-def]
        seeds = tf.stack([seed, taken + step])
        uniform = tf.random.stateless_uniform([negatives], seeds, dtype=cumulated.dtype)
        drawn = tf.searchsorted(cumulated, uniform * cumulated[-1], side="right")
        drawn = tf.minimum(drawn, cumulated.shape[0] - 1)
        *optimizer, averaged = state
        counted = tf.cast(tf.range(b) < sizes[step], tf.float32)
        loss, gradients = _gradients(optimizer[0], data, batches[step], counted, drawn)
        rate = adam.corrected(rates[step], taken + step + 1)
        optimizer = adam.step(tuple(optimizer), gradients, {}, partial(adam.update, rate=rate))
        averaged = {
            name: ema_decay * averaged[name] + (1 - ema_decay) * weight
            for name, weight in optimizer[0].items()
        }
        losses = tf.tensor_scatter_nd_update(losses, [[step]], [loss])
        return step + 1, (*optimizer, averaged), losses

    start = (tf.constant(0), state, tf.zeros([steps]))
    _, state, losses = tf.while_loop(lambda step, *_: step < steps, body, start)
    return state, losses


def _gradients(weights: Weights, data: Any, batch: Any, counted: Any, drawn: Any) -> Any:
    """Return the mean loss of a step's examples, and its gradients by weight."""
    items, begins, _, expected = data
    targets = tf.gather(items, batch)  # [b]
    back = batch[:, None] - 1 - tf.range(weights["age"].shape[0])  # [b, length]
    within = back >= tf.gather(begins, batch)[:, None]
    history = tf.gather(items, tf.where(within, back, 0))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        age = weights["age"] * tf.cast(within, tf.float32)  # [b, length]
        gmf, mlp = (
            tf.einsum("bl,blk->bk", age, tf.gather(weights[f"{half}_history"], history))
            for half in ("gmf", "mlp")
        )
        positive = _logits(weights, gmf, mlp, targets[:, None], batched=True)[:, 0]
        negative = _logits(weights, gmf, mlp, drawn, batched=False)  # [b, negatives]
        positive -= tf.gather(expected, targets)
        negative -= tf.gather(expected, drawn)
        # a draw of the next item itself is no negative
        negative = tf.where(drawn == targets[:, None], -1e9, negative)
        every = tf.concat([positive[:, None], negative], axis=1)
        losses = tf.reduce_logsumexp(every, axis=1) - positive
        loss = tf.reduce_sum(counted * losses) / tf.reduce_sum(counted)
    gradients = tape.gradient(loss, weights)
    return loss, {name: tf.convert_to_tensor(gradients[name]) for name in weights}


def _logits(weights: Weights, gmf: Any, mlp: Any, items: Any, batched: bool) -> Any:
    """Return the logits of items [b, c], or of items [c] for all of the b users: [b, c].

    gmf [b, width] and mlp [b, width] are the users' embeddings.
    """
    gmf_items, mlp_items = (tf.gather(weights[f"{half}_item"], items) for half in ("gmf", "mlp"))
    product = "bk,bck->bc" if batched else "bk,ck->bc"
    logits = tf.einsum(product, gmf, gmf_items) + tf.gather(weights["item_bias"], items)
    kernel, n_user = weights["mlp_hidden_1/kernel"], mlp.shape[1]
    # linear before its ReLU, so each side's half is computed once
    user_half = mlp @ kernel[:n_user] + weights["mlp_hidden_1/bias"]
    hidden = tf.nn.relu(user_half[:, None] + mlp_items @ kernel[n_user:])  # [b, c, width]
    layer = 2
    while f"mlp_hidden_{layer}/kernel" in weights:
        kernel, bias = (weights[f"mlp_hidden_{layer}/{part}"] for part in ("kernel", "bias"))
        hidden = tf.nn.relu(tf.einsum("bch,hw->bcw", hidden, kernel) + bias)
        layer += 1
    return logits + tf.einsum("bch,h->bc", hidden, weights["mlp_output"])
