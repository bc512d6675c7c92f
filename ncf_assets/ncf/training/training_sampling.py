"""Draw the negatives of training in TensorFlow's graph: new ones in every step, none stored.

Those of NeuMF itself, which the examples of a step share, are drawn in `training.next_item`. The
negatives of evaluation are drawn once, in `evaluation.evaluation_negatives`, and stored.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.interaction_set import InteractionSet


class UserItems(NamedTuple):
    """The users' items in training, in the form that `draw` needs."""

    first: tf.Tensor  # int32 [n_users + 1], where a user's items begin
    unseen_before: tf.Tensor  # int32 [pairs or more]: how many unseen items come before an item
    n_items: int
    most: int  # items of one user at most


def user_items(
    users: np.ndarray,
    items: np.ndarray,
    n_users: int,
    n_items: int,
    most: int = 0,
    capacity: int = 0,
) -> UserItems:
    """Return the items of each user in distinct or repeated pairs (users, items, integers [n]).

    Give the pairs of training alone. If held-out items were no negatives either, that would reveal
    to the network which items to expect (guoyang9/NCF#4). `most`, the items of one user, and
    `capacity`, the pairs to make room for, may exceed those of the pairs, so that all parts of the
    data have one shape. Raise ValueError for a user who has seen all items.
    """
    seen = InteractionSet(users, items, n_items)
    seen.check_unseen(np.unique(users), 1, "Drop such users from training.")
    first = seen.first(np.arange(n_users + 1))
    pair_users, pair_items = np.divmod(seen.pairs, n_items)
    # of a user's seen items, counted from 0, the i-th has item - i unseen items before it
    before = pair_items - (np.arange(seen.pairs.size) - first[pair_users])
    before = np.pad(before, (0, max(0, capacity - before.size)))
    longest = int(np.diff(first).max())
    return UserItems(
        tf.constant(first, tf.int32), tf.constant(before, tf.int32), n_items, max(most, longest)
    )


def draw(user_items: UserItems, users: tf.Tensor, per_positive: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw items int32 [p, per_positive] for users int32 [p], uniform over a user's unseen items.

    Draws are with replacement; equal seeds [2] draw equal items. A position among the user's unseen
    items is drawn. The item there is the position plus the number of seen items before it, so no
    draw is ever rejected, however many items a user has seen.
    """
    first = tf.gather(user_items.first, users)[:, None]
    end = tf.gather(user_items.first, users + 1)[:, None]
    positions = _below(user_items.n_items - (end - first), per_positive, seed)
    low, high = first + tf.zeros_like(positions), end + tf.zeros_like(positions)
    last = user_items.unseen_before.shape[0] - 1
    for _ in range(user_items.most.bit_length()):  # search the first seen item after the position
        middle = tf.minimum((low + high) // 2, last)
        before = (low < high) & (tf.gather(user_items.unseen_before, middle) <= positions)
        low, high = tf.where(before, middle + 1, low), tf.where(before, high, middle)
    return positions + low - first


def _below(bounds: tf.Tensor, n: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw uniform integers from 0 to bounds - 1: bounds int32 [p, 1] -> int32 [p, n].

    Each is the high half of a product of two 32-bit numbers; the share of a number is off by 2**-32
    at most.
    """
    shape = [bounds.shape[0], n]
    words = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32)
    product = tf.cast(words, tf.uint64) * tf.cast(bounds, tf.uint64)
    return tf.cast(tf.bitwise.right_shift(product, tf.constant(32, tf.uint64)), tf.int32)
