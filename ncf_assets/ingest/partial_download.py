"""Store an unfinished download: the bytes so far, and a note that says which file they belong to.

Both are hidden files next to the target: `.<name>.part` and `.<name>.part.json`. The first one is
locked as long as a process works on it, and the kernel releases the lock of a killed process. The
requests are made in `ncf_assets.ingest.http_download`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path


class PartialDownload:
    """The bytes of one URL that have arrived so far; `length` of them are in the file."""

    def __init__(self, path: Path, target: Path, file: FileIO) -> None:
        self.path, self._target, self._file = path, target, file
        self._note = path.with_name(path.name + ".json")
        self.length = os.fstat(file.fileno()).st_size

    def validator(self, url: str) -> str | None:
        """Return the ETag or date with which the bytes were sent, if they are a part of `url`."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # without a readable note the bytes may be of any file

    def begin(self, url: str, validator: str | None) -> None:
        """Remove the bytes so far, and note what is to come; without a validator write no note."""
        self._file.truncate(0)
        self._file.seek(0)
        self.length = 0
        self._note.unlink(missing_ok=True)
        if validator is not None:
            note = json.dumps({"url": url, "validator": validator})
            self._note.write_text(note, encoding="utf-8")

    def write(self, block: bytes) -> None:
        """Append bytes. Raise OSError if the disk is full."""
        while block:  # unbuffered: a full disk takes some of the bytes and refuses the others
            written = self._file.write(block)
            self.length += written
            block = block[written:]

    def missing_room(self, total: int) -> tuple[int, int] | None:
        """Return the bytes that `total` still needs and those that are free; None if it fits."""
        needed, free = total - self.length, shutil.disk_usage(self.path).free
        return (needed, free) if needed > free else None

    def sync(self) -> None:
        """Write all bytes to the disk."""
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Give the file its final name."""
        self.sync()
        self.path.replace(self._target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the file and its note."""
        self.length = 0
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def discard_unless_resumable(self) -> None:
        """Remove the file and its note if no later try can resume them."""
        if not (self.length and self._note.exists()):
            self.discard()


@contextmanager
def locked_download(target: Path) -> Iterator[PartialDownload | None]:
    """Lock the unfinished download of `target`; yield None if another process has finished it."""
    path = target.with_name(f".{target.name}.part")
    while True:
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is(path, file):  # published or removed by the process that had the lock
                if target.exists():
                    yield None
                    return
                continue
            partial = PartialDownload(path, target, file)
            try:
                yield partial
            finally:
                if _is(path, file):
                    partial.discard_unless_resumable()
            return


def _is(path: Path, file: FileIO) -> bool:
    """Return whether a path still leads to an open file."""
    return path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))
