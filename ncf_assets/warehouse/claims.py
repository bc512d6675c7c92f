"""One run for each dataset at a time: a lock that the kernel frees when its holder dies.

Who holds it stands beside the lock, for messages, and for telling live runs from dead ones. Where
machines share an object store, the run holds a `lease` there as well. What runs are is
`ncf_assets.runs`'s concern.
"""

import glob
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from ncf_assets.warehouse import EVERY, Warehouse, spoken
from ncf_assets.warehouse.files import remove, temporaries
from ncf_assets.warehouse.lease import BusyError, Holder, lease_holder, leased
from ncf_assets.warehouse.memory import spill_folder
from ncf_assets.warehouse.scratch import sweep
from ncf_assets.warehouse.working_copy import OnNew

PATIENCE = 1.0  # seconds; more than `_is_held` keeps a lock while it looks
PATIENCE_FOR_EVERY = 60.0  # a table of all datasets takes a moment, and is made when any is new

_held: set[tuple[Path, str]] = set()  # the locks of this process, and the runs that they are for


@contextmanager
def claim(place: Warehouse, dataset: str, run_id: str) -> Iterator[None]:
    """Keep other runs off a dataset, and sweep away what a killed one left of it.

    What the store has of it, if there is one, is fetched first. Raises BusyError if another run is
    at it. Where steps of one run are processes of their own, they take turns. A command that claims
    for the run that it starts lets that run in.
    """
    root = place.root
    path = _lock(root, dataset)
    if (path, run_id) in _held:
        yield
        return
    lock = FileLock(path)
    _acquire(lock, root, dataset, run_id)
    try:
        _held.add((path, run_id))
        who = Holder.this_process(run_id)
        _note(root, dataset).write_text(json.dumps(asdict(who)), encoding="utf-8")
        for left in leftovers(root, dataset):
            remove(left)
        with _shared(place, dataset, who):
            yield
    finally:
        _held.discard((path, run_id))
        _note(root, dataset).unlink(missing_ok=True)
        lock.release()


@contextmanager
def _shared(place: Warehouse, dataset: str, who: Holder) -> Iterator[None]:
    """Keep other machines off a dataset, and have here what they made of it."""
    if place.store is None:
        yield
        return
    place.join_store()
    with leased(place.store, spoken(dataset), who, _patience(dataset)):
        sweep(place.store, dataset)
        is_free = _free(place.root)
        place.follow(lambda name: name == dataset or (dataset == EVERY and is_free(name)))
        yield


def follow(place: Warehouse, on_new: OnNew = lambda *_: None) -> None:
    """Have here what the store has, but for the datasets that a run of this machine works on."""
    place.follow(_free(place.root), on_new)


def _free(root: Path) -> Callable[[str], bool]:
    """Whether no process of this machine works on a dataset, as it was when first asked."""
    return cache(lambda dataset: not _is_held(root, dataset))


def holders(place: Warehouse, dataset: str) -> list[Holder]:
    """Who holds a dataset now, on this machine and, if there is a store, on any.

    These differ while a run of this machine waits for another's. One that died does not hold it.
    """
    here = last_holder(place.root, dataset) if _is_held(place.root, dataset) else None
    there = lease_holder(place.store, spoken(dataset)) if place.store else None
    return [who for who in (there, here) if who]


def _is_held(root: Path, dataset: str) -> bool:
    """Whether a process of this machine has the lock."""
    try:
        with FileLock(_lock(root, dataset)).acquire(timeout=0):
            return False
    except Timeout:
        return True


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


def _acquire(lock: FileLock, root: Path, dataset: str, run_id: str) -> None:
    """Take the lock; wait for other steps of the same run alone."""
    while True:
        try:
            lock.acquire(timeout=_patience(dataset))
        except Timeout:
            other = last_holder(root, dataset)
            if other is None or other.run_id != run_id:
                raise BusyError(spoken(dataset), other) from None
        else:
            return


def _patience(dataset: str) -> float:
    """Seconds to wait for another run."""
    return PATIENCE_FOR_EVERY if dataset == EVERY else PATIENCE
