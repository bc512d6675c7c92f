"""Let a data folder follow an object store: fetch what the store has, and put there what is made.

The store decides. If a run was killed before it put a file into the store, only the folder has the
file, and it is replaced by what the store has. Requests are made in `ncf_assets.warehouse.store`.
"""

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ncf_assets.warehouse.files import atomic_replace
from ncf_assets.warehouse.lease import check_held
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.store import Entry, Store, StoreError
from ncf_assets.warehouse.store_note import Note, read_note

SHARED = ("tables", "previous", "models", "reports", "outside")
PARTITION = re.compile(
    r"((?:tables|previous|models)/\w+|reports|outside)/dataset=(\w+)/.+"
    r"|tables/\w+/data\.parquet"
)
OWN = re.compile(r"\..*|checkpoint\.npz|searches\.db.*")  # unfinished work of this machine
RECORDS = ("model.json", "report.json")  # they name other files, so they are copied last
HALF = ".store.half"  # the file that is being fetched, by one process at a time
LARGE = 10_000_000  # bytes; chosen
TRIES = 5  # to fetch what another machine is replacing

Wanted = Callable[[str], bool]  # of a dataset
OnNew = Callable[[int, int], object]  # of a number of objects, and their bytes


@dataclass(frozen=True)
class WorkingCopy:
    """The data folder `root` as a copy of `store`. Every method may raise StoreError."""

    root: Path
    store: Store

    def join(self) -> None:
        """Make the folder follow the store, if it does not yet."""
        with self._locked():
            self._noted()

    def fetch(self, wanted: Wanted, on_new: OnNew) -> bool:
        """Make the files of the wanted datasets those of the store; return whether any changed.

        `on_new` is called with what will be fetched.
        """
        with self._locked():
            note = self._noted()
            half = self.root / HALF
            half.unlink(missing_ok=True)  # a killed process may have left it
            try:
                fetched, there = self._fetch_all(wanted, note, on_new)
                gone = [key for key in self._keys(self.root) if wanted(_dataset(key))]
                gone = [key for key in gone if key not in there]
                for key in gone:
                    self._remove(key, note)
            finally:
                half.unlink(missing_ok=True)
                note.write(self.root)  # also notes what was fetched before an error
            return fetched or bool(gone)

    def put(self, folder: Path, dataset: str) -> None:
        """Make the objects of a partition's folder the files of that folder.

        Raise ClaimLostError unless this process holds the lease of the dataset.
        """
        with self._locked():
            note = self._noted()
        below = f"{folder.relative_to(self.root).as_posix()}/"
        there = {key: entry for key, entry in self.store.entries(below).items() if is_shared(key)}
        keys, copied = self._keys(folder), {}
        for key in _records_last(keys):
            if key in there and self._is_copy(key, there[key], note):
                continue
            state = self._state(key)
            check_held(self.store, dataset)
            copied[key] = (self.store.upload(self.root / key, key), *state)
        for key in there.keys() - set(keys):
            check_held(self.store, dataset)
            self.store.remove(key)
        with self._locked():
            note = self._noted()
            note.files |= copied
            note.write(self.root)

    def _locked(self) -> FileLock:
        """Return the lock that lets one process of this machine at a time use the note."""
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / ".store.lock")

    def _noted(self) -> Note:
        """Return the folder's note, or a new one if the folder is empty; it must fit the store."""
        note = read_note(self.root)
        if note is None:
            if self._keys(self.root):
                raise StoreError(
                    f"{self.root} has tables, models or reports that do not come from"
                    f" {self.store.url}. Name an empty folder with NCF_DATA_DIR, after copying"
                    f" {', '.join(SHARED)} to the store if you want to keep them."
                )
            note = Note(self.store.url, self.store.begin())
            note.write(self.root)
        elif note.url != self.store.url:
            raise StoreError(
                f"{self.root} follows {note.url}, and NCF_STORE is {self.store.url}. Name another"
                " folder with NCF_DATA_DIR."
            )
        elif note.identity != (found := self.store.identity()):
            raise StoreError(
                f"{self.store.url} is {'another store' if found else 'empty'}, not the one that"
                f" {self.root} follows. Check that it is mounted and its address is right, or name"
                " an empty folder with NCF_DATA_DIR."
            )
        return note

    def _fetch_all(self, wanted: Wanted, note: Note, on_new: OnNew) -> tuple[bool, set[str]]:
        """Fetch what is new; return whether anything was, and all keys of the wanted datasets."""
        fetched = False
        for _ in range(TRIES):
            there = {
                key: entry
                for kind in SHARED
                for key, entry in self.store.entries(f"{kind}/").items()
                if is_shared(key) and wanted(_dataset(key))
            }
            new = [key for key, entry in there.items() if not self._is_copy(key, entry, note)]
            if new:
                fetched = True
                on_new(len(new), sum(there[key].size for key in new))
            if not [key for key in _records_last(new) if not self._fetch(key, there[key], note)]:
                return fetched, set(there)
        raise StoreError(
            f"objects of {self.store.url} were replaced as fast as they were fetched. Run this"
            " again."
        )

    def _fetch(self, key: str, entry: Entry, note: Note) -> bool:
        """Replace one file; return False if its object is no longer the one that was listed."""
        half = self.root / HALF
        found = self.store.download(key, half)
        if found is None:
            return False
        # so that the older of two versions of a model is the older one here, too
        os.utime(half, (found.written.timestamp(),) * 2)
        (target := self.root / key).parent.mkdir(parents=True, exist_ok=True)
        atomic_replace(half, target)
        note.files[key] = (found.etag, *self._state(key))
        if found.size > LARGE:  # so that a kill does not make it fetch this file again
            note.write(self.root)
        return found.etag == entry.etag

    def _remove(self, key: str, note: Note) -> None:
        """Remove a file, and the folders that it leaves empty."""
        (self.root / key).unlink(missing_ok=True)
        note.files.pop(key, None)
        for folder in list(Path(key).parents)[:-2]:
            with contextlib.suppress(OSError):  # it is not empty
                (self.root / folder).rmdir()

    def _is_copy(self, key: str, entry: Entry, note: Note) -> bool:
        """Return whether file and object are as they were when the file was fetched or put."""
        file = self.root / key
        return file.exists() and note.files.get(key) == (entry.etag, *self._state(key))

    def _state(self, key: str) -> tuple[int, int]:
        """Return the size and mtime in ns of a file."""
        status = (self.root / key).stat()
        return status.st_size, status.st_mtime_ns

    def _keys(self, folder: Path) -> list[str]:
        """Return the files below a folder that are for all machines, as keys."""
        folders = [folder] if folder != self.root else [self.root / kind for kind in SHARED]
        files = [file for one in folders for file in one.rglob("*") if file.is_file()]
        keys = [file.relative_to(self.root).as_posix() for file in files]
        return [key for key in keys if is_shared(key)]


def is_shared(key: str) -> bool:
    """Return whether a file or object is a partition's, and not one machine's unfinished work."""
    return bool(PARTITION.fullmatch(key)) and not any(map(OWN.fullmatch, key.split("/")))


def _dataset(key: str) -> str:
    """Return the dataset of a key; it is ALL_DATASETS for a table of all datasets."""
    found = PARTITION.fullmatch(key)
    return (found[2] if found else None) or ALL_DATASETS


def _records_last(keys: list[str]) -> list[str]:
    return sorted(keys, key=lambda key: (key.rpartition("/")[2] in RECORDS, key))
