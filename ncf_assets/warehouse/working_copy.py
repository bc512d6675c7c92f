"""A data folder that follows an object store: what is there is fetched, what is made is put there.

The store is what counts. A file that only the folder has, because a run was killed before it had
put it there, is replaced by what the store has.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ncf_assets.warehouse.files import (
    put_in_place,
    remove,
    replace,
    temporaries,
    temporary,
    written,
)
from ncf_assets.warehouse.layout import EVERY
from ncf_assets.warehouse.lease import check_held
from ncf_assets.warehouse.store import Entry, Store, StoreError

SHARED = ("tables", "models", "reports")
RECORDS = ("model.json", "report.json")  # which name other files, so they come last
OWN = re.compile(r"\..*|checkpoint\.npz|.*\.db-\w+")  # of this machine: what is under way here
TRIES = 3  # of fetching what another machine is replacing
NOTE = ".store.json"

Copied = tuple[str, int, int]  # an object's ETag; size and mtime in ns of the file with its copy
Wanted = Callable[[str], bool]  # of a dataset


def followed(root: Path) -> str | None:
    """The URL of the store that a data folder follows."""
    note = root / NOTE
    return str(json.loads(note.read_text(encoding="utf-8"))["url"]) if note.exists() else None


@dataclass(frozen=True)
class WorkingCopy:
    """The data folder `root` as a copy of `store`. Every method may raise StoreError."""

    root: Path
    store: Store

    def fetch(self, wanted: Wanted) -> bool:
        """Make the files of those datasets what the store has; whether any changed."""
        with self._locked():
            known = self._known()
            for _ in range(TRIES):
                there = {
                    key: entry
                    for kind in SHARED
                    for key, entry in self.store.entries(f"{kind}/").items()
                    if wanted(_dataset(key))
                }
                here = {key for key in self._keys(self._folders()) if wanted(_dataset(key))}
                new = [key for key in there if not self._is_copy(key, there[key], known)]
                gone = here - there.keys()
                missed = [
                    key for key in sorted(new, key=_records_last) if not self._fetch(key, known)
                ]
                if not missed:
                    break
            else:
                raise StoreError(
                    f"objects of {self.store.url} were replaced as fast as they were fetched; run"
                    " this again"
                )
            for key in gone:
                (self.root / key).unlink(missing_ok=True)
                known.pop(key, None)
            self._note(known)
            return bool(new or gone)

    def put(self, folder: Path, dataset: str) -> None:
        """Make the objects of a partition's folder what the folder has. Wants the claim on it."""
        check_held(self.store, dataset)
        known = self._known()
        keys = self._keys([folder])
        copied = {}
        for key in sorted(keys, key=_records_last):
            state = self._state(key)
            if known.get(key, ())[1:] != state:
                copied[key] = (self.store.upload(self.root / key, key), *state)
        below = folder.relative_to(self.root).as_posix()
        for key in self.store.entries(f"{below}/").keys() - set(keys):
            self.store.remove(key)
        with self._locked():
            self._note(self._known() | copied)

    def _locked(self) -> FileLock:
        """For one process of this machine at a time."""
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / ".store.lock")

    def _known(self) -> dict[str, Copied]:
        """Which files are copies of which objects."""
        note = self.root / NOTE
        if not note.exists():
            if any(self._keys(self._folders())):
                raise StoreError(
                    f"{self.root} has tables, models or reports that do not come from"
                    f" {self.store.url}; name an empty folder with NCF_DATA_DIR, after copying"
                    f" {', '.join(SHARED)} to the store if they are to be kept"
                )
            return {}
        found = json.loads(note.read_text(encoding="utf-8"))
        if found["url"] != self.store.url:
            raise StoreError(
                f"{self.root} follows {found['url']}, and NCF_STORE is {self.store.url}; name"
                " another folder with NCF_DATA_DIR"
            )
        return {key: (etag, size, time) for key, (etag, size, time) in found["files"].items()}

    def _note(self, known: dict[str, Copied]) -> None:
        for left in temporaries(self.root):  # of a process that was killed in here
            remove(left)
        text = json.dumps({"url": self.store.url, "files": known})
        with written({self.root / NOTE: text}) as files:
            put_in_place(files)

    def _fetch(self, key: str, known: dict[str, Copied]) -> bool:
        """Replace one file; False if its object has gone meanwhile."""
        target = self.root / key
        with temporary(target) as path:
            etag = self.store.download(key, path)
            if etag is None:
                return False
            replace(path, target)
        known[key] = (etag, *self._state(key))
        return True

    def _is_copy(self, key: str, entry: Entry, known: dict[str, Copied]) -> bool:
        """Whether the file is as it was when it was fetched or put, and the object as well."""
        return (self.root / key).exists() and known.get(key) == (entry.etag, *self._state(key))

    def _state(self, key: str) -> tuple[int, int]:
        """Size and mtime in ns of a file."""
        facts = (self.root / key).stat()
        return facts.st_size, facts.st_mtime_ns

    def _folders(self) -> list[Path]:
        return [self.root / kind for kind in SHARED]

    def _keys(self, folders: Iterable[Path]) -> list[str]:
        """The files below some folders that are for all machines, as keys."""
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        paths = [file.relative_to(self.root) for file in files]
        return [path.as_posix() for path in paths if not any(map(OWN.fullmatch, path.parts))]


def _dataset(key: str) -> str:
    """Whose a key is: EVERY for a table of all datasets."""
    found = re.search(r"/dataset=([^/]+)/", key)
    return found[1] if found else EVERY


def _records_last(key: str) -> tuple[bool, str]:
    return (key.rpartition("/")[2] in RECORDS, key)
