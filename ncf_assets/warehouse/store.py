"""An object store: S3 and what speaks like it, Google's, Azure's, or a folder as `file://`.

Objects are replaced whole. What is kept there, and how a data folder follows it, is
`working_copy`; who may change it, `lease`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from obstore.store import RetryConfig

RETRIES, PATIENCE = 5, timedelta(seconds=60)  # of a request; ours
CLOCK = "claims/clock"  # an object that is written to ask what time it is at the store


class StoreError(RuntimeError):
    """The object store cannot be used, or not as it is; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One object: which content it has, and when it was written by the store's clock."""

    etag: str
    written: datetime


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
        if "://" not in url:
            raise ValueError(
                f"NCF_STORE must be a URL such as s3://bucket/folder, found {url!r}; correct it, or"
                " unset it to keep everything in the data folder"
            )
        return cls(url)

    def entries(self, below: str) -> dict[str, Entry]:
        """What there is below a key, by key."""
        import obstore

        with self._told():
            return {
                found["path"]: Entry(str(found["e_tag"]), found["last_modified"])
                for batch in obstore.list(self._store, prefix=below)
                for found in batch
            }

    def read(self, key: str) -> bytes | None:
        """A small object; None if it is not there."""
        import obstore

        with self._told():
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Replace a small object."""
        import obstore

        with self._told():
            obstore.put(self._store, key, content)

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one; of several who try, one succeeds."""
        import obstore

        with self._told():
            try:
                obstore.put(self._store, key, content, mode="create")
            except obstore.exceptions.AlreadyExistsError:
                return False
            return True

    def download(self, key: str, path: Path) -> str | None:
        """An object into a new file, and its ETag; None if it is not there."""
        import obstore

        with self._told():
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError:
                return None
            with path.open("wb") as file:
                for part in found.stream():
                    file.write(part)
            return str(found.meta["e_tag"])

    def upload(self, path: Path, key: str) -> str:
        """Replace an object by a file's content; its ETag."""
        import obstore

        with self._told():
            return str(obstore.put(self._store, key, path)["e_tag"])

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        import obstore

        with self._told():
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:  # of a folder; S3 does not mind
                return

    def now(self) -> datetime:
        """The time by the store's clock, to the second."""
        import obstore

        with self._told():
            obstore.put(self._store, CLOCK, b"")
            return obstore.head(self._store, CLOCK)["last_modified"]

    def spark_url(self, key: str) -> str:
        """What Spark, or rather Hadoop, calls an object; its name for S3 is s3a."""
        return f"{self.url}/{key}".replace("s3://", "s3a://", 1)

    @cached_property
    def _store(self) -> Any:
        from obstore.store import from_url

        if self.url.startswith("file://"):
            try:
                return from_url(self.url, mkdir=True)
            except OSError as error:
                raise self._unusable(error) from error
        retry: RetryConfig = {"max_retries": RETRIES, "retry_timeout": PATIENCE}
        return from_url(self.url, retry_config=retry)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong at the store, in words."""
        try:
            from obstore.exceptions import BaseError
        except ModuleNotFoundError as error:
            raise StoreError(
                f"NCF_STORE={self.url} wants the package obstore, which is not installed; run"
                " `pip install -e '.[store]'`, or unset NCF_STORE"
            ) from error
        try:
            yield
        except (BaseError, FileNotFoundError) as error:  # the latter for a bucket that is missing
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            f"the object store {self.url} could not be used ({str(error).splitlines()[0]}); see"
            " that it is there, that this machine reaches it, and that its variables (for S3"
            " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION) are set, then run this again"
        )
