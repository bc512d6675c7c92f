"""Draw the unseen items that each held-out item is ranked against, once for all models.

Users and items are dense numbers from 0. `ranking` ranks by the lists, and the table `negatives`
stores them. The negatives of training are drawn in `training.training_sampling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.random_streams import counter_hash, mix, stream_key, text_key

AT_ONCE = 10_000  # chosen: users whose rows are in memory in the table's form, 30 MB
CHUNK = 2**20  # chosen: draws in memory at a time; with all intermediate arrays about 50 MB


def user_keys(user_ids: Sequence[str]) -> np.ndarray:
    """Return hashes of the id texts: uint64 [n_users].

    A user keeps the hash when other users come or go, and when users are renumbered.
    """
    return np.fromiter((text_key(user_id) for user_id in user_ids), np.uint64, len(user_ids))


def unseen_items(
    user_keys: np.ndarray,
    users: np.ndarray,
    seen: InteractionSet,
    n: int,
    seed: int,
) -> np.ndarray:
    """Draw evaluation negatives: for each of `users`, n different items unseen in any split.

    A row depends on the seed, the user's key, the user's own seen items and the number of items. It
    does not depend on the order of rows, on other users, or on the engine.

    Args:
        user_keys: uint64 [n_users], from `user_keys`
        users: integers [m], one row each
        seen: the pairs of all splits
        n: length of each list
        seed: seed of the draws

    Returns:
        items int32 [m, n]

    Raises:
        ValueError: a user has fewer than n unseen items.

    """
    n_items, n_unseen = seen.n_items, seen.n_unseen(users)
    seen.check_unseen(
        users, n, "Lower `n_negatives` of `negatives` to {} at most, or drop users with fewer."
    )
    starts = mix(user_keys[users] ^ stream_key(seed, "negatives test"))
    # below either bound most draws would be rejected, so all items are hashed instead
    crowded = n_unseen < max(2 * n, n_items // 2)
    items = np.empty((len(users), n), np.int32)
    for rows, width, draw in (
        (np.flatnonzero(crowded), n_items, _smallest_hashes),
        (np.flatnonzero(~crowded), 2 * n, _first_draws),
    ):
        for part in np.array_split(rows, rows.size * width // CHUNK + 1):
            items[part] = draw(seen, users[part], starts[part], n)
    return items


@dataclass(frozen=True)
class Negatives:
    """Draw n unseen items for each of some users; `user_keys` uint64 [n_users] are of all."""

    user_keys: np.ndarray
    seen: InteractionSet
    n: int
    seed: int

    def __call__(self, users: np.ndarray) -> dict[str, np.ndarray]:
        """Return users [b] and items int32 [b, n], a quarter of the table's bytes."""
        return {
            "users": users,
            "items": unseen_items(self.user_keys, users, self.seen, self.n, self.seed),
        }


def long_form(users: np.ndarray, items: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of the table `negatives` for items [m, n] of users [m].

    Positions count from 1.
    """
    m, n = items.shape
    return {
        "user": np.repeat(users, n),
        "position": np.tile(np.arange(1, n + 1, dtype=np.int32), m),
        "item": items.ravel(),
    }


def _smallest_hashes(
    seen: InteractionSet, users: np.ndarray, starts: np.ndarray, n: int
) -> np.ndarray:
    """Return the n unseen items of the smallest hashes, in the order of their hashes: [m, n]."""
    items = np.arange(seen.n_items)
    hashes = counter_hash(starts[:, None], items.astype(np.uint64))  # [m, n_items]
    hashes[seen.contains(users[:, None], items)] = np.iinfo(np.uint64).max
    return np.argsort(hashes, axis=1)[:, :n]


def _first_draws(seen: InteractionSet, users: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Return the first n of each user's endless draws that are unseen and not repeated: [m, n]."""
    chosen = np.empty((len(users), n), np.int64)
    rows = np.arange(len(users))
    width = n + n // 4 + 8  # enough for most users; the others start again with twice as many
    while rows.size:
        counters = np.arange(width, dtype=np.uint64)
        draws = _to_items(counter_hash(starts[rows, None], counters), seen.n_items)
        fresh = _is_fresh(seen, users[rows], draws)
        taken = fresh & (np.cumsum(fresh, axis=1) <= n)  # [rows, width]
        full = taken.sum(axis=1) == n
        chosen[rows[full]] = draws[full][taken[full]].reshape(-1, n)
        rows, width = rows[~full], 2 * width
    return chosen


def _to_items(hashes: np.ndarray, n_items: int) -> np.ndarray:
    """Scale the upper 32 bits to 0 … n_items - 1; an item's share is off by 2**-32 at most."""
    scaled: np.ndarray = ((hashes >> np.uint64(32)) * np.uint64(n_items)) >> np.uint64(32)
    return scaled.astype(np.int64)


def _is_fresh(seen: InteractionSet, users: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return whether a draw is unseen by the row's user and not repeated in the row: [m, width]."""
    by_item = np.sort((draws << 32) + np.arange(draws.shape[1]), axis=1)  # then by position
    items, positions = by_item >> 32, by_item & (2**32 - 1)
    fresh_by_item = np.ones(items.shape, bool)
    fresh_by_item[:, 1:] = items[:, 1:] != items[:, :-1]
    # the few seen items are looked up among the draws, not the many draws among the seen items
    first_of_row = np.arange(len(users))[:, None] * seen.n_items
    drawn = (first_of_row + items).ravel()  # ascending
    rows, seen_items = seen.of(users)
    keys = rows * seen.n_items + seen_items
    found = np.minimum(np.searchsorted(drawn, keys), drawn.size - 1)
    fresh_by_item.ravel()[found[drawn[found] == keys]] = False
    fresh = np.empty_like(fresh_by_item)
    np.put_along_axis(fresh, positions, fresh_by_item, axis=1)
    return fresh
