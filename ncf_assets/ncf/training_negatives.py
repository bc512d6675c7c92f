"""Negatives of training, drawn in TensorFlow's graph: anew for every step, nothing kept.

The negatives of evaluation, drawn once and stored, are `sampling`'s.
"""

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.sampling import Seen


class TrainingNegatives:
    """Uniform draws, with replacement, of items outside a user's training items.

    The pairs given are those of training alone. Leaving out held-out items too would tell the
    network which items to expect (guoyang9/NCF#4). ValueError for a user who has seen all items.
    """

    def __init__(self, users: np.ndarray, items: np.ndarray, n_users: int, n_items: int) -> None:
        seen = Seen(users, items, n_items)
        seen.check_unseen(np.unique(users), 1, "drop such users from training")
        first = seen.first(np.arange(n_users + 1))
        pair_users, pair_items = np.divmod(seen.pairs, n_items)
        # of a user's seen items, counted from 0, the i-th has item - i unseen items before it
        before = pair_items - (np.arange(seen.pairs.size) - first[pair_users])
        self._n_items = n_items
        self._first = tf.constant(first, tf.int32)  # [n_users + 1], where a user's items begin
        self._unseen_before = tf.constant(before, tf.int32)  # [pairs]
        most = int(np.diff(first).max())
        self._halvings = most.bit_length()  # that a search among `most` items takes

    def draw(self, users: tf.Tensor, per_positive: int, seed: tf.Tensor) -> tf.Tensor:
        """Items int32 [p, per_positive] for users int32 [p]; equal seeds [2] draw equal items.

        A place among the user's unseen items is drawn, and becomes the item that has as many
        unseen ones before it: the place plus the seen items before. So nothing is drawn twice,
        however many items a user has seen.
        """
        first = tf.gather(self._first, users)[:, None]
        end = tf.gather(self._first, users + 1)[:, None]
        places = _below(self._n_items - (end - first), per_positive, seed)
        low, high = first + tf.zeros_like(places), end + tf.zeros_like(places)
        for _ in range(self._halvings):  # for the first seen item that does not come before
            middle = tf.minimum((low + high) // 2, self._unseen_before.shape[0] - 1)
            before = (low < high) & (tf.gather(self._unseen_before, middle) <= places)
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
