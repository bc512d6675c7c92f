"""Let one run at a time work on a dataset, with a lock that the kernel frees when its holder dies.

A note next to the lock names its holder, for messages and to distinguish live runs from dead ones.
Machines that share an object store are kept apart by Dagster's queue, and by what
`ncf_assets.warehouse.bucket` refuses to publish.
Dagster's runs are in `ncf_assets.orchestration.dagster_runs`.
"""

import glob
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from filelock import FileLock, Timeout

from ncf_assets.warehouse.duckdb_limits import spill_folder
from ncf_assets.warehouse.files import remove, temporaries
from ncf_assets.warehouse.lock_holder import DatasetLockedError, LockHolder
from ncf_assets.warehouse.paths import ALL_DATASETS, display_name
from ncf_assets.warehouse.scratch import remove_orphaned
from ncf_assets.warehouse.warehouse import Warehouse

LOCK_TIMEOUT = 1.0  # seconds; longer than `_is_held` has the lock while it looks
# a table of all datasets takes a moment and is made whenever one is new, so another run waits
LOCK_TIMEOUT_ALL_DATASETS = 60.0

_held: set[tuple[Path, str]] = set()  # the locks of this process, with the ids of their runs


@contextmanager
def dataset_lock(place: Warehouse, dataset: str, run_id: str) -> Iterator[None]:
    """Lock a dataset for a run, and remove the files that a killed run left of it.

    Raise DatasetLockedError if another run has the lock. A process that has the lock shares it with
    what it does for the same run, and with the processes that it starts for it, which end with it.
    Other steps of one run that are separate processes take turns.
    """
    root = place.root
    path = _lock(root, dataset)
    if (path, run_id) in _held or _shared_by_parent(root, dataset, run_id):
        yield
        return
    lock = FileLock(path)
    _acquire(lock, root, dataset, run_id)
    try:
        _held.add((path, run_id))
        who = asdict(LockHolder.this_process(run_id))
        _note(root, dataset).write_text(json.dumps(who), encoding="utf-8")
        remove_orphaned_files(root, dataset)
        if place.store:
            remove_orphaned(place.store, dataset)
        yield
    finally:
        _held.discard((path, run_id))
        _note(root, dataset).unlink(missing_ok=True)
        lock.release()


def _shared_by_parent(root: Path, dataset: str, run_id: str) -> bool:
    """Return whether the process that started this one has locked the dataset for the same run.

    Then this process is killed when that one dies: nobody else may find it at work.
    """
    parent, who = parent_process(), last_holder(root, dataset)
    if parent is None or who is None or (who.run_id, who.pid) != (run_id, parent.pid):
        return False

    def follow_parent() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow_parent, daemon=True).start()
    return True


def holder(root: Path, dataset: str) -> LockHolder | None:
    """Return the run of this machine that holds a dataset now. A dead run has no lock."""
    return last_holder(root, dataset) if _is_held(root, dataset) else None


def _is_held(root: Path, dataset: str) -> bool:
    """Return whether a process of this machine has the lock."""
    try:
        with FileLock(_lock(root, dataset)).acquire(timeout=0):
            return False
    except Timeout:
        return True


def last_holder(root: Path, dataset: str) -> LockHolder | None:
    """Return the run that holds a dataset or died with its lock; None if the last one has ended."""
    try:
        return LockHolder(**json.loads(_note(root, dataset).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # the holder has just begun, or just ended
        return None


def orphaned_files(root: Path, dataset: str) -> list[Path]:
    """Return the temporary files and folders of a dataset; without a holder they are orphaned."""
    own = f"dataset={glob.escape(dataset)}"
    folders = [*root.glob(f"*/*/{own}"), *root.glob(f"*/{own}")]
    if spill := spill_folder(root):
        folders += spill.glob(own)
    if dataset == ALL_DATASETS:
        folders += root.glob("tables/*")
    return sorted(path for folder in folders for path in temporaries(folder))


def remove_orphaned_files(root: Path, dataset: str) -> None:
    """Remove temporary files; the caller must hold the lock, and no step of its run be at work."""
    for path in orphaned_files(root, dataset):
        remove(path)


def _lock(root: Path, dataset: str) -> Path:
    folder = root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{display_name(dataset)}.lock"


def _note(root: Path, dataset: str) -> Path:
    return root / "locks" / f"{display_name(dataset)}.json"


def _acquire(lock: FileLock, root: Path, dataset: str, run_id: str) -> None:
    """Take the lock; after the timeout wait only for other steps of the same run."""
    while True:
        try:
            lock.acquire(timeout=_timeout(dataset))
        except Timeout:
            other = last_holder(root, dataset)
            if other is None or other.run_id != run_id:
                raise DatasetLockedError(display_name(dataset), other) from None
        else:
            return


def _timeout(dataset: str) -> float:
    """Return the seconds to wait for another run."""
    return LOCK_TIMEOUT_ALL_DATASETS if dataset == ALL_DATASETS else LOCK_TIMEOUT
