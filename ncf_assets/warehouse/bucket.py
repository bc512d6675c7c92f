"""Publish tables, models and reports as objects, and read them through a cache on this machine.

Everything is written on this machine first, then put as a whole. A table's file and a record take
the place of what the run has seen before its work, by one conditional request each; so of two runs
one is refused. The files that a record names have names by their content, and are put before it.
Requests are made in `ncf_assets.warehouse.object_store`.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import duckdb

from ncf_assets.hashing import hash_text
from ncf_assets.warehouse.files import atomic_replace, temporary
from ncf_assets.warehouse.object_store import Entry, ObjectStore
from ncf_assets.warehouse.published import Version

FOOTER = 64 << 10  # bytes; most footers are smaller, with a row group for each million rows
AT_ONCE = 16  # footers that are fetched at a time; chosen
LENGTH = 8  # bytes at the end of a Parquet file: the length of its footer, and PAR1
VERSIONS = 2  # of an object in the cache: the newest, and one that a reader may just have opened
UNUSED = 30 * 86_400  # seconds after which a file leaves the cache; chosen


@dataclass(frozen=True)
class Bucket:
    """The objects of a store, by the paths that they would have below the work folder `root`."""

    root: Path
    store: ObjectStore
    is_local = False

    def name(self, path: Path) -> str:
        """Return its URL."""
        return self.store.url if path == self.root else f"{self.store.url}/{self.key(path)}"

    def key(self, path: Path) -> str:
        """Return the key of a file."""
        return path.relative_to(self.root).as_posix()

    def seen(self, path: Path) -> Version | None:
        """Return the object's ETag, and for Google's store its generation."""
        found = self.store.find(self.key(path))
        return found.version if found else None

    def check(self, path: Path, seen: Version | None) -> None:
        """Compare what is there now."""
        if self.seen(path) != seen:
            raise self.store.replaced(self.key(path))

    def find(self, path: Path) -> Path | None:
        """Return the copy in the cache, after fetching the object if it is new."""
        found = self.store.find(self.key(path))
        return self.copy(found) if found else None

    def copy(self, entry: Entry) -> Path | None:
        """Return the copy of an object in the cache; None if it has been removed meanwhile."""
        if copy := self.cached(entry):
            return copy
        with temporary(self._cached(entry)) as half:
            fetched = self.store.download(entry.key, half)
            return self._into_cache(half, self._cached(fetched)) if fetched else None

    def cached(self, entry: Entry, suffix: str = "") -> Path | None:
        """Return the copy of an object if the cache has it; with a suffix, what else it has."""
        copy = self._cached(entry, suffix)
        if not copy.exists():
            return None
        os.utime(copy)
        return copy

    def find_footer(self, path: Path) -> Path | None:
        """Return a file with the end of a Parquet file, which is fetched alone."""
        found = self.store.find(self.key(path))
        return self.footer(found) if found else None

    def footer(self, entry: Entry) -> Path | None:
        """Return a file that ends as the object does; None if it has been removed meanwhile."""
        if not entry.key.endswith(".parquet"):
            return self.copy(entry)
        if known := self.cached(entry) or self.cached(entry, ".footer"):
            return known
        size = FOOTER
        while ended := self.store.end(entry.key, size):
            content, found = ended
            length = LENGTH + int.from_bytes(content[-LENGTH:-4], "little")
            if length <= len(content) or len(content) == found.size:
                copy = self._cached(found, ".footer")
                with temporary(copy) as half:
                    half.write_bytes(content[-length:])
                    return self._into_cache(half, copy)
            size = length
        return None

    def footers(self, pattern: str) -> dict[Path, Path]:
        """Return the footers of the objects that match, by path; several are fetched at once."""
        found = self.entries(pattern)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            footers = zip(found, pool.map(self.footer, found), strict=True)
            return {self.root / entry.key: footer for entry, footer in footers if footer}

    def entries(self, pattern: str) -> list[Entry]:
        """Return the objects whose keys match, sorted by key."""
        fixed = pattern.split("*", 1)[0].rpartition("/")[0]
        found = [entry for entry in self.store.entries(fixed) if matches(entry.key, pattern)]
        return sorted(found, key=lambda entry: entry.key)

    def glob(self, pattern: str) -> list[Path]:
        """Return the paths of objects that match."""
        return [self.root / entry.key for entry in self.entries(pattern)]

    def size(self, folder: Path) -> int:
        """Return the bytes of all objects in a folder."""
        return sum(entry.size for entry in self.store.entries(self.key(folder)))

    def content_name(self, name: str, content: str) -> str:
        """Return a name by the content, so that a run that is refused replaces nothing."""
        return f"{Path(name).stem}-{hash_text(content)}{Path(name).suffix}"

    def put(self, written: Path, path: Path) -> None:
        """Put the file."""
        self.store.put(written, self.key(path))

    def put_folder(self, written: Path, path: Path) -> None:
        """Put the files in order; of two runs that take the same name the second is refused."""
        for file in sorted(written.rglob("*")):
            if file.is_file():
                self.store.replace(file, self.key(path / file.relative_to(written)), None)

    def replace(self, written: Path, path: Path, seen: Version | None) -> None:
        """Put the file by one conditional request."""
        self.store.replace(written, self.key(path), seen)

    def remove(self, path: Path) -> None:
        """Remove an object, or all in a folder."""
        key = self.key(path)
        for one in (key, *(entry.key for entry in self.store.entries(key))):
            self.store.remove(one)

    def keep(self, path: Path, folder: Path) -> None:
        """Copy the object within the store, unless the newest copy is the same."""
        found, kept = self.store.find(self.key(path)), self.kept(folder)
        if found is None or (kept and self.seen(kept[0]) == found.version):
            return
        number = int(kept[0].stem) + 1 if kept else 1
        self.store.copy(found.key, self.key(folder / f"{number}{path.suffix}"))

    def kept(self, folder: Path) -> list[Path]:
        """Return the copies, the newest first."""
        found = [path for path in self.glob(f"{self.key(folder)}/*") if path.stem.isdecimal()]
        return sorted(found, key=lambda path: int(path.stem), reverse=True)

    def prune_kept(self, folder: Path, kept: int) -> None:
        """Remove the oldest copies."""
        for path in self.kept(folder)[kept:]:
            self.remove(path)

    def prune(self, path: Path, kept: int) -> None:
        """Remove the oldest by the store's clock; a folder is as old as its newest object."""
        below = self.key(path.parent)
        written: dict[Path, None] = {}  # in the order in which they were written
        for entry in sorted(self.store.entries(below), key=lambda entry: entry.written):
            version = path.parent / PurePosixPath(entry.key).relative_to(below).parts[0]
            written.pop(version, None)
            written[version] = None
        older = [one for one in reversed(written) if one.suffix == path.suffix and one != path]
        for version in older[kept - 1 :]:
            self.remove(version)

    def sql(self, pattern: str) -> str:
        """Return the URL."""
        return f"{self.store.url}/{pattern}"

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Register a file system for the store's URLs, in place of an extension."""
        from ncf_assets.warehouse.bucket_files import BucketFiles

        connection.register_filesystem(BucketFiles(self))

    def check_usable(self) -> None:
        """Ask the store."""
        self.store.check_usable()

    @cached_property
    def _cache(self) -> Path:
        return self.root / "cache"

    def _cached(self, entry: Entry, suffix: str = "") -> Path:
        """Return the file in the cache for one version of an object."""
        return self._cache / entry.key / f"{entry.etag}{suffix or PurePosixPath(entry.key).suffix}"

    def _into_cache(self, half: Path, copy: Path) -> Path:
        """Rename a complete file, then remove what nobody will ask for again."""
        atomic_replace(half, copy)
        beside = [file for file in copy.parent.glob("[!.]*") if file.suffix == copy.suffix]
        beside.sort(key=_used, reverse=True)
        before = time.time() - UNUSED
        unused = [
            file for file in self._cache.rglob("*") if file.is_file() and _used(file) < before
        ]
        for file in (*beside[VERSIONS:], *unused):
            file.unlink(missing_ok=True)
        return copy


def matches(key: str, pattern: str) -> bool:
    """Return whether a key has the form of a pattern, in which * stands for no slash."""
    own = PurePosixPath(key)
    return len(own.parts) == len(PurePosixPath(pattern).parts) and own.match(pattern)


def _used(file: Path) -> float:
    """Return when a file of the cache was last asked for; another process may have removed it."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return time.time()
