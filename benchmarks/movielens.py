"""Read the NCF paper's own MovieLens-1M files: its training half, test items and negatives.

The files are not part of this project (research use only); `--data` names their folder.
"""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ncf_assets.ncf.evaluation.evaluation_negatives import unseen_items, user_keys
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.random_streams import rng

N_USERS, N_ITEMS = 6_040, 3_706
CANDIDATES = 99


@dataclass(frozen=True)
class Split:
    """Training pairs, and for each user a held-out item among 99 negatives."""

    train_users: np.ndarray  # int32 [n]
    train_items: np.ndarray  # int32 [n]
    users: np.ndarray  # int32 [6040]
    candidates: np.ndarray  # int32 [6040, 100], the held-out item first


def load(folder: Path) -> Split:
    """Load the paper's split. As published, 156 users have their test item among the negatives."""
    with gzip.open(folder / "train.pairs.tsv.gz") as file:
        pairs = np.loadtxt(file, np.int32)
    with gzip.open(folder / "test.negative.gz", "rt") as file:
        # `(user,item)` and 99 items, separated by tabs
        rows = np.array([re.findall(r"\d+", line) for line in file], np.int32)
    return Split(pairs[:, 0], pairs[:, 1], rows[:, 0], rows[:, 1:])


def validation(split: Split, seed: int) -> Split:
    """Split the training half once more: a random item of each user, and 99 unseen others.

    The paper did so too ("we randomly sampled one interaction for each user", section 4.1): the
    files have no times, so the last item of a user is not known.
    """
    order = rng(seed, "validation items").permutation(split.train_users.size)
    users, first = np.unique(split.train_users[order], return_index=True)
    held_out = order[first]
    keys = user_keys([str(user) for user in range(N_USERS)])
    # the test items count as unseen here, since a choice that knew them would be biased
    seen = InteractionSet(split.train_users, split.train_items, N_ITEMS)
    negatives = unseen_items(keys, users, seen, CANDIDATES, seed)
    kept = np.ones(split.train_users.size, bool)
    kept[held_out] = False
    return Split(
        split.train_users[kept],
        split.train_items[kept],
        users,
        np.column_stack([split.train_items[held_out], negatives]),
    )
