"""An object store: S3 and what speaks like it, Google's, Azure's, or a folder as `file://`.

Objects are replaced whole. What is kept there, and how a data folder follows it, is
`working_copy`; who may change it, `lease`.
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

SHORT = timedelta(seconds=20)  # for a request about a small object, tries included; ours
LONG = timedelta(hours=6)  # for a file
STALLED = timedelta(minutes=2)  # without a byte back: PARTS of 5 MB each pass at 1.3 Mbit/s
PARTS = 4  # of a file on their way at once
FOLDER = "file://"
IDENTITY = "identity"  # an object that no other store has


class StoreError(RuntimeError):
    """The object store cannot be used, or not as it is; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One object: which content it has, when it was written by the store's clock, its bytes."""

    etag: str
    written: datetime
    size: int


class Store:
    """The objects below one URL, by key. Every method may raise StoreError."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    @classmethod
    def of_environment(cls) -> Self | None:
        """The one that NCF_STORE names; without it None. ValueError for what is no URL."""
        url = os.environ.get("NCF_STORE")
        if not url:
            return None
        if "://" not in url or (url.startswith(FOLDER) and not url.startswith(f"{FOLDER}/")):
            raise ValueError(
                "NCF_STORE must be a URL such as s3://bucket/folder or file:///folder, found"
                f" {url!r}; correct it, or unset it to keep everything in the data folder"
            )
        return cls(url)

    def identity(self) -> str | None:
        """What tells this store from another at the same URL; None for one that is empty."""
        return (self.read(IDENTITY) or b"").decode() or None

    def begin(self) -> str:
        """Give a store that may be empty an identity; the one that it has from now on."""
        if self.url.startswith(FOLDER):
            Path(self.url.removeprefix(FOLDER)).mkdir(parents=True, exist_ok=True)
        self.create(IDENTITY, secrets.token_hex(16).encode())
        if (found := self.identity()) is None:
            raise StoreError(f"{self.url}/{IDENTITY} is empty; remove it, then run this again")
        return found

    def entries(self, below: str) -> dict[str, Entry]:
        """What there is below a key, by key."""
        with self._told() as obstore:
            return {
                found["path"]: _entry(found)
                for batch in obstore.list(self._small, prefix=below)
                for found in batch
            }

    def read(self, key: str) -> bytes | None:
        """A small object; None if it is not there."""
        with self._told() as obstore:
            try:
                return bytes(obstore.get(self._small, key).bytes())
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Replace a small object."""
        with self._told() as obstore:
            obstore.put(self._small, key, content)

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object unless there is one; of several who try, one succeeds."""
        with self._told() as obstore, suppress(obstore.exceptions.AlreadyExistsError):
            obstore.put(self._small, key, content, mode="create")
        # ours, though the answer was lost; or not, where a server knows no condition
        return self.read(key) == content

    def download(self, key: str, path: Path) -> Entry | None:
        """An object into a new file; None if it is not there."""
        with self._told() as obstore:
            try:
                found = obstore.get(self._large, key)
            except FileNotFoundError:
                return None
            with path.open("wb") as file:
                for part in found.stream():
                    file.write(part)
            return _entry(found.meta)

    def upload(self, path: Path, key: str) -> str:
        """Replace an object by a file's content; its ETag."""
        with self._told() as obstore:
            return _etag(obstore.put(self._large, key, path, max_concurrency=PARTS))

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        with self._told() as obstore:
            try:
                obstore.delete(self._small, key)
            except FileNotFoundError:  # of a folder; S3 does not mind
                return

    def now(self) -> datetime:
        """The time by the store's clock, to the second."""
        key = f"clock/{secrets.token_hex(8)}"
        with self._told() as obstore:
            obstore.put(self._small, key, b"")
            try:
                found: datetime = obstore.head(self._small, key)["last_modified"]
            finally:
                obstore.delete(self._small, key)
        return found

    def spark_url(self, key: str) -> str:
        """What Spark, or rather Hadoop, calls an object; its name for S3 is s3a."""
        return f"{self.url}/{key}".replace("s3://", "s3a://", 1)

    @cached_property
    def _small(self) -> Any:
        """For requests that are over in a moment, or have failed."""
        return self._opened(timeout=SHORT / 2, tries_for=SHORT)

    @cached_property
    def _large(self) -> Any:
        """For files, which may take long as long as they move."""
        return self._opened(timeout=LONG, tries_for=LONG, read_timeout=STALLED)

    def _opened(self, tries_for: timedelta, **timeouts: timedelta) -> Any:
        from obstore.store import from_url

        if self.url.startswith(FOLDER):
            return from_url(self.url)
        # options given here replace those of the environment, of which this one is obstore's own
        http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
        client: Any = {"allow_http": http, **timeouts}
        return from_url(self.url, client_options=client, retry_config={"retry_timeout": tries_for})

    @contextmanager
    def _told(self) -> Iterator[Any]:
        """The package obstore; what goes wrong at the store in words."""
        try:
            import obstore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"NCF_STORE={self.url} wants the package obstore, which is not installed; run"
                " `pip install -e '.[store]'`, or unset NCF_STORE"
            ) from error
        try:
            yield obstore
        except (
            obstore.exceptions.BaseError,
            FileNotFoundError,  # of a missing bucket
            NotImplementedError,  # by this kind of store
            ValueError,  # of the URL
        ) as error:
            found = str(error).strip().split("\n", 1)[0]
            raise StoreError(
                f"the object store {self.url} could not be used ({found}); see that it is there,"
                " that this machine reaches it, and that its variables (for S3 AWS_ACCESS_KEY_ID,"
                " AWS_SECRET_ACCESS_KEY, AWS_REGION) are set, then run this again"
            ) from error


def _entry(meta: Any) -> Entry:
    return Entry(_etag(meta), meta["last_modified"], meta["size"])


def _etag(meta: Any) -> str:
    """Without the quotes, which Azure leaves out where it lists."""
    return str(meta["e_tag"]).strip('"')
