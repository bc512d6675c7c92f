"""One run for each dataset at a time: a lock that the kernel frees when its holder dies.

Who holds it stands beside the lock, for messages, and for telling live runs from dead ones. What
runs are is `ncf_assets.runs`'s concern.
"""

import glob
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ncf_assets.warehouse import EVERY
from ncf_assets.warehouse.files import remove, temporaries
from ncf_assets.warehouse.memory import spill_folder
from ncf_assets.warehouse.stamp import now

PATIENCE = 1.0  # seconds; more than `holder` keeps a lock while it looks
PATIENCE_FOR_EVERY = 60.0  # a table of all datasets takes a moment, and is made when any is new

_held: set[tuple[Path, str]] = set()  # the locks of this process, and the runs that they are for


class BusyError(RuntimeError):
    """Another run holds the dataset; the message names it and the remedy."""


@dataclass(frozen=True)
class Holder:
    """Which run holds a dataset, in which process, since when (ISO 8601, UTC)."""

    run_id: str
    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        since = self.since[:19].replace("T", " ")
        return f"run {self.run_id} (process {self.pid} on {self.host}, since {since} UTC)"


@contextmanager
def claim(root: Path, dataset: str, run_id: str) -> Iterator[None]:
    """Keep other runs off a dataset, and sweep away what a killed one left of it.

    Raises BusyError if another run is at it. Where steps of one run are processes of their own,
    they take turns. A command that claims for the run that it starts lets that run in.
    """
    path = _lock(root, dataset)
    if (path, run_id) in _held:
        yield
        return
    lock = FileLock(path)
    _acquire(lock, root, dataset, run_id)
    try:
        _held.add((path, run_id))
        who = Holder(run_id, os.getpid(), socket.gethostname(), now())
        _note(root, dataset).write_text(json.dumps(asdict(who)), encoding="utf-8")
        for left in leftovers(root, dataset):
            remove(left)
        yield
    finally:
        _held.discard((path, run_id))
        _note(root, dataset).unlink(missing_ok=True)
        lock.release()


def holder(root: Path, dataset: str) -> Holder | None:
    """Who holds a dataset now; None if nobody does. One that died does not."""
    lock = FileLock(_lock(root, dataset))
    try:
        with lock.acquire(timeout=0):
            return None
    except Timeout:
        return last_holder(root, dataset)


def last_holder(root: Path, dataset: str) -> Holder | None:
    """Who holds a dataset, or died while at it; None if who came last has ended."""
    try:
        return Holder(**json.loads(_note(root, dataset).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # the holder has just begun, or just ended
        return None


def leftovers(root: Path, dataset: str) -> list[Path]:
    """The temporary files and folders of a dataset; a killed run's, if nobody holds it."""
    own = f"dataset={glob.escape(dataset)}"
    folders = [*root.glob(f"*/*/{own}"), *root.glob(f"*/{own}")]
    if spill := spill_folder(root):
        folders += spill.glob(own)
    if dataset == EVERY:
        folders += root.glob("tables/*")
    return sorted(path for folder in folders for path in temporaries(folder))


def _lock(root: Path, dataset: str) -> Path:
    folder = root / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{spoken(dataset)}.lock"


def _note(root: Path, dataset: str) -> Path:
    return root / "claims" / f"{spoken(dataset)}.json"


def spoken(dataset: str) -> str:
    """For people and file systems; no dataset's name has a space."""
    return "a table of all datasets" if dataset == EVERY else dataset


def _acquire(lock: FileLock, root: Path, dataset: str, run_id: str) -> None:
    """Take the lock; wait for other steps of the same run alone."""
    while True:
        try:
            lock.acquire(timeout=PATIENCE_FOR_EVERY if dataset == EVERY else PATIENCE)
        except Timeout:
            other = last_holder(root, dataset)
            if other is None or other.run_id != run_id:
                raise BusyError(
                    "one run works on a dataset at a time, and"
                    f" {spoken(dataset)} is being materialized by"
                    f" {other or 'a run that has just begun'}; wait until it has ended, or end it,"
                    " then run this again"
                ) from None
        else:
            return
