"""Negatives of training, drawn in TensorFlow's graph: anew for every step, nothing kept.

The negatives of evaluation, drawn once and stored, are `sampling`'s.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.sampling import Seen


class Histories(NamedTuple):
    """What users have in training, in the form that negatives are drawn by."""

    first: tf.Tensor  # int32 [n_users + 1], where a user's items begin
    unseen_before: tf.Tensor  # int32 [pairs or more]: how many unseen items come before an item
    n_items: int
    most: int  # items of one user at most


def histories(
    users: np.ndarray,
    items: np.ndarray,
    n_users: int,
    n_items: int,
    most: int | None = None,
    room: int = 0,
) -> Histories:
    """The histories of distinct or repeated pairs (users integers [n], items integers [n]).

    The pairs given are those of training alone. Leaving out held-out items too would tell the
    network which items to expect (guoyang9/NCF#4). `most` and `room`, the pairs to make room for,
    can be given larger than they are, so that parts of the data have one shape. ValueError for a
    user who has seen all items.
    """
    seen = Seen(users, items, n_items)
    seen.check_unseen(np.unique(users), 1, "drop such users from training")
    first = seen.first(np.arange(n_users + 1))
    pair_users, pair_items = np.divmod(seen.pairs, n_items)
    # of a user's seen items, counted from 0, the i-th has item - i unseen items before it
    before = pair_items - (np.arange(seen.pairs.size) - first[pair_users])
    before = np.pad(before, (0, max(0, room - before.size)))
    longest = int(np.diff(first).max())
    return Histories(
        tf.constant(first, tf.int32), tf.constant(before, tf.int32), n_items, most or longest
    )


def draw(histories: Histories, users: tf.Tensor, per_positive: int, seed: tf.Tensor) -> tf.Tensor:
    """Items int32 [p, per_positive] for users int32 [p]: uniform over a user's unseen ones.

    With replacement; equal seeds [2] draw equal items. A place among the user's unseen items is
    drawn, and becomes the item that has as many unseen ones before it: the place plus the seen
    items before. So nothing is drawn twice, however many items a user has seen.
    """
    first = tf.gather(histories.first, users)[:, None]
    end = tf.gather(histories.first, users + 1)[:, None]
    places = _below(histories.n_items - (end - first), per_positive, seed)
    low, high = first + tf.zeros_like(places), end + tf.zeros_like(places)
    last = histories.unseen_before.shape[0] - 1
    for _ in range(histories.most.bit_length()):  # for the first seen item that is not before
        middle = tf.minimum((low + high) // 2, last)
        before = (low < high) & (tf.gather(histories.unseen_before, middle) <= places)
        low, high = tf.where(before, middle + 1, low), tf.where(before, high, middle)
    return places + low - first


def _below(bounds: tf.Tensor, n: int, seed: tf.Tensor) -> tf.Tensor:
    """Uniform integers from 0 to bounds - 1: bounds int32 [p, 1] -> int32 [p, n].

    The high half of a product of two 32-bit numbers; a number's share is off by 2**-32 at most.
    """
    shape = [bounds.shape[0], n]
    words = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32)
    product = tf.cast(words, tf.uint64) * tf.cast(bounds, tf.uint64)
    return tf.cast(tf.bitwise.right_shift(product, tf.constant(32, tf.uint64)), tf.int32)
