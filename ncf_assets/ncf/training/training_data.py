"""Hold the pairs that a network is trained on: in memory, or in parts from files.

A part has all pairs of its users, so that it knows which items are no negatives of theirs.
`training_sampling` draws the negatives, and `epoch` trains on the parts.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ncf_assets.ncf.interactions import Room
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
    """All pairs in one part. Users and items are integers [n]; `room` may be for more."""

    def __init__(
        self,
        users: np.ndarray,
        items: np.ndarray,
        n_users: int,
        n_items: int,
        room: Room | None = None,
    ) -> None:
        self.n = self.largest = users.size
        self.n_parts = 1
        self._users, self._items = users, items
        self._sizes = n_users, n_items
        self._room = (room.of_user, room.in_all) if room else (0, 0)

    @cached_property
    def _user_items(self) -> UserItems:
        return user_items(self._users, self._items, *self._sizes, *self._room)

    def epoch(self, generator: np.random.Generator) -> Iterator[Part]:
        """Yield the part, shuffled."""
        order = generator.permutation(self.n)
        users, items = (side[order].astype(np.int32) for side in (self._users, self._items))
        yield Part(users, items, self._user_items)


class Streamed:
    """Runs of users of Parquet files with the columns `user`, in ascending order, and `item`.

    One part of the files at a time is in memory, and a number for each user. The parts are in
    random order, and so are the pairs within a part; a user's pairs are thus trained on close to
    each other. A part has `part` pairs and at most one user's more.
    """

    def __init__(self, files: Sequence[Path], n_users: int, n_items: int, part: int = PART) -> None:
        self._files = [_UserRuns(file, n_users) for file in files]
        self._sizes = n_users, n_items
        starts = np.sum([file.starts for file in self._files], axis=0)
        self.n = int(starts[-1])
        self._most = int(np.diff(starts).max())
        # about equal, as smaller parts are filled up to the largest
        size = math.ceil(self.n / math.ceil(self.n / part)) if self.n else part
        wanted = np.arange(size, self.n, size)
        cuts = np.searchsorted(starts[1:], wanted, side="right")  # before a user who goes beyond
        users = np.unique(np.concatenate([[0], cuts, [n_users]]))
        sizes = np.diff(starts[users])
        self._parts = [
            (int(first), int(end))
            for first, end, n in zip(users[:-1], users[1:], sizes, strict=True)
            if n
        ]
        self.n_parts = len(self._parts)
        self.largest = int(sizes.max(initial=0))

    def epoch(self, generator: np.random.Generator) -> Iterator[Part]:
        """Yield the parts in random order, each shuffled."""
        for i in generator.permutation(self.n_parts):
            read = [file.read(*self._parts[i]) for file in self._files]
            users, items = (np.concatenate(side) for side in zip(*read, strict=True))
            order = generator.permutation(users.size)
            seen = user_items(users, items, *self._sizes, self._most, self.largest)
            yield Part(users[order], items[order], seen)


class _UserRuns:
    """A Parquet file in the order of its users, of which some at a time are read."""

    def __init__(self, file: Path, n_users: int) -> None:
        self._file = file
        counts = np.zeros(n_users, np.int64)
        with pq.ParquetFile(file) as opened:
            self._metadata = opened.metadata
            for batch in opened.iter_batches(columns=["user"]):
                counts += np.bincount(batch["user"], minlength=n_users)
        # int64 [n_users + 1], the row where each user's pairs begin
        self.starts = np.concatenate([[0], counts.cumsum()])

    def read(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of the users from `first` to before `end`: int32 [n] each."""
        begin, stop = (int(self.starts[user]) for user in (first, end))
        if begin == stop:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        metadata = self._metadata
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        last = np.cumsum(groups)  # the row after each group's
        low, high = np.searchsorted(last, [begin, stop - 1], side="right")
        with pq.ParquetFile(self._file, metadata=metadata) as opened:
            table = opened.read_row_groups(list(range(low, high + 1)), columns=["user", "item"])
        rows = table.slice(begin - (last[low] - groups[low]), stop - begin)
        users, items = (rows[side].to_numpy().astype(np.int32) for side in ("user", "item"))
        return users, items


def read_pairs(
    files: Sequence[Path], n_users: int, n_items: int, stream: bool, room: Room | None = None
) -> Positives:
    """Return the pairs in Parquet files, whose rows are in the order of their users.

    They are read part by part with `stream`, and at once, with `room`, without it.
    """
    if stream:
        return Streamed(files, n_users, n_items)
    tables = [pq.read_table(file, columns=["user", "item"]) for file in files]
    pairs = pa.concat_tables(tables)
    return InMemory(pairs["user"].to_numpy(), pairs["item"].to_numpy(), n_users, n_items, room)
