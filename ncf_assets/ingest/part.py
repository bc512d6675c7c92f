"""An unfinished download: a hidden file of the bytes so far, and a note on what they are part of.

Both lie beside the file to be: `.<name>.part` and `.<name>.part.json`. The file is locked for as
long as a process works on it, so a killed one leaves no lock. HTTP is `ncf_assets.ingest.transfer`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path


class Part:
    """The bytes of `url` that have arrived so far; `length` of them are in the file."""

    def __init__(self, path: Path, target: Path, file: FileIO) -> None:
        self.path, self._target, self._file = path, target, file
        self._note = path.with_name(path.name + ".json")
        self.length = os.fstat(file.fileno()).st_size

    def validator(self, url: str) -> str | None:
        """The ETag or date under which the bytes were sent, if they are a part of `url`."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # without a sound note the bytes may be of anything

    def begin(self, url: str, validator: str | None) -> None:
        """Throw away what is there, and note what is to come; without a validator keep no note."""
        self._file.truncate(0)
        self._file.seek(0)
        self.length = 0
        self._note.unlink(missing_ok=True)
        if validator is not None:
            note = json.dumps({"url": url, "validator": validator})
            self._note.write_text(note, encoding="utf-8")

    def write(self, block: bytes) -> None:
        """Append what arrived. Raises OSError where the disk does not take it."""
        while block:  # unbuffered: a full disk takes a part, and refuses the rest
            taken = self._file.write(block)
            self.length += taken
            block = block[taken:]

    def missing_room(self, total: int) -> tuple[int, int] | None:
        """Bytes that are needed to have `total`, and free on the disk; None if they suffice."""
        needed, free = total - self.length, shutil.disk_usage(self.path).free
        return (needed, free) if needed > free else None

    def sync(self) -> None:
        """Have everything on the disk."""
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Give the file its final name."""
        self.sync()
        self.path.replace(self._target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove file and note."""
        self.length = 0
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def keep_if_it_can_go_on(self) -> None:
        """Remove what no later try could use."""
        if not (self.length and self._note.exists()):
            self.discard()


@contextmanager
def claimed(target: Path) -> Iterator[Part | None]:
    """The part of `target`, for this process alone; None if another one finished it meanwhile."""
    path = target.with_name(f".{target.name}.part")
    while True:
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is(path, file):  # published or thrown away by the process that had the lock
                if target.exists():
                    yield None
                    return
                continue
            part = Part(path, target, file)
            try:
                yield part
            finally:
                if _is(path, file):
                    part.keep_if_it_can_go_on()
            return


def _is(path: Path, file: FileIO) -> bool:
    """Whether a path still leads to an open file."""
    return path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))
