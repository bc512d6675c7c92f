"""Hold the data that a network is trained and validated on: in memory, or in parts from a file.

A part has all pairs of its users, so that it knows which items are no negatives of theirs.
`training_sampling` draws the negatives, and `epoch` trains on the parts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq

from ncf_assets.ncf.training.training_sampling import UserItems, user_items

PART = 2**20  # chosen: pairs of a part that is read; with all arrays made of them about 100 MB


@dataclass(frozen=True)
class Part:
    """Pairs in the order of training (int32 [n] each), and all items of their users."""

    users: np.ndarray
    items: np.ndarray
    user_items: UserItems


class Positives(Protocol):
    """The `n` pairs of a training, in `n_parts` parts, of which the largest has `largest` pairs."""

    n: int
    n_parts: int
    largest: int

    def epoch(self, generator: np.random.Generator) -> Iterator[Part]:
        """Yield every pair once, in random order."""


class InMemory:
    """All pairs in one part. Users and items are integers [n]."""

    def __init__(self, users: np.ndarray, items: np.ndarray, n_users: int, n_items: int) -> None:
        self.n = self.largest = users.size
        self.n_parts = 1
        self._users, self._items = users, items
        self._sizes = n_users, n_items

    @cached_property
    def _user_items(self) -> UserItems:
        return user_items(self._users, self._items, *self._sizes)

    def epoch(self, generator: np.random.Generator) -> Iterator[Part]:
        """Yield the part, shuffled."""
        order = generator.permutation(self.n)
        users, items = (side[order].astype(np.int32) for side in (self._users, self._items))
        yield Part(users, items, self._user_items)


class Streamed:
    """Runs of users of a Parquet file with the columns `user`, in ascending order, and `item`.

    One part of the file at a time is in memory, and a number for each user. The parts are in random
    order, and so are the pairs within a part; a user's pairs are thus trained on close to each
    other. A part has `part` pairs and at most one user's more.
    """

    def __init__(self, file: Path, n_users: int, n_items: int, part: int) -> None:
        self._file = pq.ParquetFile(file)
        self._sizes = n_users, n_items
        counts = np.zeros(n_users, np.int64)
        for batch in self._file.iter_batches(columns=["user"]):
            counts += np.bincount(batch["user"], minlength=n_users)
        ends = counts.cumsum()
        self.n = int(ends[-1])
        self._most = int(counts.max())
        starts = np.concatenate([[0], ends])
        # about equal, as smaller parts are filled up to the largest
        size = math.ceil(self.n / math.ceil(self.n / part)) if self.n else part
        wanted = np.arange(size, self.n, size)
        cuts = starts[np.searchsorted(ends, wanted, side="right")]  # before a user who goes beyond
        self._bounds = np.unique(np.concatenate([[0], cuts, [self.n]]))
        self.n_parts = self._bounds.size - 1
        self.largest = int(np.diff(self._bounds).max(initial=0))

    def epoch(self, generator: np.random.Generator) -> Iterator[Part]:
        """Yield the parts in random order, each shuffled."""
        for i in generator.permutation(self.n_parts):
            users, items = self._read(*self._bounds[i : i + 2])
            order = generator.permutation(users.size)
            seen = user_items(users, items, *self._sizes, self._most, self.largest)
            yield Part(users[order], items[order], seen)

    def _read(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the file's rows from start to end, from the row groups that have some of them."""
        metadata = self._file.metadata
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        last = np.cumsum(groups)  # the row after each group's
        first, final = np.searchsorted(last, [start, end - 1], side="right")
        needed = list(range(first, final + 1))
        table = self._file.read_row_groups(needed, columns=["user", "item"])
        rows = table.slice(start - (last[first] - groups[first]), end - start)
        users, items = (rows[side].to_numpy().astype(np.int32) for side in ("user", "item"))
        return users, items


@dataclass(frozen=True)
class TrainingData:
    """The pairs to train on, and the lists to choose the epoch by, as integers.

    users, items: [n], the positives
    validation_users: [m], may be empty; then the last epoch is kept
    validation_candidates: [m, 1 + c], the held-out item at column 0
    """

    users: np.ndarray
    items: np.ndarray
    validation_users: np.ndarray
    validation_candidates: np.ndarray

    def positives(self, n_users: int, n_items: int) -> Positives:
        """Return the pairs to train on."""
        return InMemory(self.users, self.items, n_users, n_items)


@dataclass(frozen=True)
class StreamedTrainingData:
    """`TrainingData` whose positives stay in a Parquet file, which `Streamed` reads."""

    file: Path
    validation_users: np.ndarray
    validation_candidates: np.ndarray
    part: int = PART

    def positives(self, n_users: int, n_items: int) -> Positives:
        """Return the pairs to train on."""
        return Streamed(self.file, n_users, n_items, self.part)
