"""Read and write an object store: S3 and compatible ones, Google's, Azure's, or a folder (`file://`).

An object is always replaced as one. How a data folder follows a store is in
`ncf_assets.warehouse.working_copy`; who may change a store is decided in
`ncf_assets.warehouse.lease`.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

SHORT = timedelta(seconds=20)  # for a request about a small object, with its retries; chosen
LONG = timedelta(hours=6)  # for a file
STALLED = timedelta(minutes=2)  # without a byte back; PARTS of 5 MB each take it at 1.3 Mbit/s
PARTS = 4  # parts of a file that are uploaded at once
FOLDER = "file://"
IDENTITY = "identity"  # the key of an object whose content no other store has


class StoreError(RuntimeError):
    """The object store cannot be used, or not in its present state. The message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One object: its content's ETag, when it was written by the store's clock, and its bytes."""

    etag: str
    written: datetime
    size: int


class Store:
    """The objects below one URL, by key. Every method may raise StoreError."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    @classmethod
    def from_env(cls) -> Self | None:
        """Return the store that NCF_STORE names, or None. Raise ValueError if it is not a URL."""
        url = os.environ.get("NCF_STORE")
        if not url:
            return None
        if "://" not in url or (url.startswith(FOLDER) and not url.startswith(f"{FOLDER}/")):
            raise ValueError(
                "NCF_STORE must be a URL such as s3://bucket/folder or file:///folder, found"
                f" {url!r}. Correct it, or unset it to keep everything in the data folder."
            )
        return cls(url)

    def identity(self) -> str | None:
        """Return what distinguishes this store from another at its URL; None if it is empty."""
        return (self.read(IDENTITY) or b"").decode() or None

    def begin(self) -> str:
        """Give the store an identity unless it has one; return the one that it has."""
        if self.url.startswith(FOLDER):
            Path(self.url.removeprefix(FOLDER)).mkdir(parents=True, exist_ok=True)
        self.create(IDENTITY, secrets.token_hex(16).encode())
        if (found := self.identity()) is None:
            raise StoreError(f"{self.url}/{IDENTITY} is empty. Remove it, then run this again.")
        return found

    def entries(self, below: str) -> dict[str, Entry]:
        """Return the objects below a key, by key."""
        with self._store_errors() as obstore:
            return {
                found["path"]: _entry(found)
                for batch in obstore.list(self._small, prefix=below)
                for found in batch
            }

    def read(self, key: str) -> bytes | None:
        """Return a small object's content; None if it does not exist."""
        with self._store_errors() as obstore:
            try:
                return bytes(obstore.get(self._small, key).bytes())
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Replace a small object."""
        with self._store_errors() as obstore:
            obstore.put(self._small, key, content)

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object unless it exists; if several processes try, one succeeds."""
        with self._store_errors() as obstore, suppress(obstore.exceptions.AlreadyExistsError):
            obstore.put(self._small, key, content, mode="create")
        # the answer may have been lost, and some servers ignore the mode, so the content decides
        return self.read(key) == content

    def download(self, key: str, path: Path) -> Entry | None:
        """Write an object to a new file; return its entry, or None if it does not exist."""
        with self._store_errors() as obstore:
            try:
                found = obstore.get(self._large, key)
            except FileNotFoundError:
                return None
            with path.open("wb") as file:
                for part in found.stream():
                    file.write(part)
            return _entry(found.meta)

    def upload(self, path: Path, key: str) -> str:
        """Replace an object by a file's content; return its ETag."""
        with self._store_errors() as obstore:
            return _etag(obstore.put(self._large, key, path, max_concurrency=PARTS))

    def remove(self, key: str) -> None:
        """Remove an object, if it exists."""
        with self._store_errors() as obstore:
            try:
                obstore.delete(self._small, key)
            except FileNotFoundError:  # a folder raises it, S3 does not
                return

    def now(self) -> datetime:
        """Return the time by the store's clock, to the second."""
        key = f"clock/{secrets.token_hex(8)}"
        with self._store_errors() as obstore:
            obstore.put(self._small, key, b"")
            try:
                found: datetime = obstore.head(self._small, key)["last_modified"]
            finally:
                obstore.delete(self._small, key)
        return found

    def spark_url(self, key: str) -> str:
        """Return an object's URL for Spark, or rather for Hadoop, whose name for S3 is s3a."""
        return f"{self.url}/{key}".replace("s3://", "s3a://", 1)

    @cached_property
    def _small(self) -> Any:
        """The store for requests that take a moment, or fail."""
        return self._opened(timeout=SHORT / 2, retry_timeout=SHORT)

    @cached_property
    def _large(self) -> Any:
        """The store for files, which may take long as long as bytes arrive."""
        return self._opened(timeout=LONG, retry_timeout=LONG, read_timeout=STALLED)

    def _opened(self, retry_timeout: timedelta, **timeouts: timedelta) -> Any:
        from obstore.store import from_url

        if self.url.startswith(FOLDER):
            return from_url(self.url)
        # these options replace those of the environment, so obstore's own variable is read here
        http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
        client: Any = {"allow_http": http, **timeouts}
        retries: Any = {"retry_timeout": retry_timeout}
        return from_url(self.url, client_options=client, retry_config=retries)

    @contextmanager
    def _store_errors(self) -> Iterator[Any]:
        """Yield the package obstore, and raise StoreError in place of its errors."""
        try:
            import obstore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"NCF_STORE={self.url} needs the package obstore, which is not installed. Run"
                " `pip install 'ncf-assets[store]'`, or unset NCF_STORE."
            ) from error
        try:
            yield obstore
        except (
            obstore.exceptions.BaseError,
            FileNotFoundError,  # the bucket is missing
            NotImplementedError,  # this kind of store lacks a function
            ValueError,  # the URL is wrong
        ) as error:
            found = str(error).strip().split("\n", 1)[0]
            raise StoreError(
                f"the object store {self.url} could not be used ({found}). Check that it exists,"
                " that this machine reaches it, and that its variables (for S3 AWS_ACCESS_KEY_ID,"
                " AWS_SECRET_ACCESS_KEY, AWS_REGION) are set, then run this again."
            ) from error


def _entry(meta: Any) -> Entry:
    return Entry(_etag(meta), meta["last_modified"], meta["size"])


def _etag(meta: Any) -> str:
    """Return an ETag without its quotes, as Azure omits them in lists."""
    return str(meta["e_tag"]).strip('"')
