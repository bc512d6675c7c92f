"""Let DuckDB read an object store as a file system, without an extension and without copies.

It sees the objects as they were when it first asked, and an error for one that is replaced later.
Only what a query needs is fetched, in parts; footers come from the cache of
`ncf_assets.warehouse.bucket`.
"""

from datetime import datetime
from functools import cached_property
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from ncf_assets.warehouse.bucket import Bucket, matches
from ncf_assets.warehouse.object_store import Entry

SHOWN = ("tables", "models", "reports")  # what the catalogue reads
READ_AHEAD = 1 << 20  # bytes; about a column of a row group


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]
    """The objects of a bucket, to be read."""

    cachable = False

    def __init__(self, bucket: Bucket) -> None:
        self.protocol, _, self._below = bucket.store.url.partition("://")
        super().__init__()
        self._bucket = bucket

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the objects that match, as full paths."""
        pattern = self._key(path)
        return [f"{self._below}/{key}" for key in self._entries if matches(key, pattern)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size and type of an object."""
        return {"name": path, "size": self._entry(path).size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """Return when an object was written."""
        return self._entry(path).written

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        entry = self._entry(path)
        if copy := self._bucket.cached(entry):
            return copy.open("rb")
        return BucketFile(self, path, mode, READ_AHEAD, size=entry.size)

    def fetch(self, path: str, start: int, end: int) -> bytes:
        """Return a part of an object."""
        entry = self._entry(path)
        footer = self._bucket.footer(entry)
        content = footer.read_bytes() if footer and footer.stem == entry.etag else b""
        if start >= (begin := entry.size - len(content)):
            return content[start - begin : end - begin]
        return self._bucket.store.part(entry, start, end)

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        found = [entry for folder in SHOWN for entry in self._bucket.store.entries(folder)]
        return {entry.key: entry for entry in sorted(found, key=lambda entry: entry.key)}

    def _key(self, path: str) -> str:
        return path.rpartition("://")[2].removeprefix(f"{self._below}/")

    def _entry(self, path: str) -> Entry:
        try:
            return self._entries[self._key(path)]
        except KeyError as error:
            raise FileNotFoundError(path) from error


class BucketFile(AbstractBufferedFile):  # type: ignore[misc]
    """One object that is being read."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs.fetch(self.path, start, end)
