"""Make requests to an object store: S3 and compatible ones, Google's, or Azure's.

What is published there is decided in `ncf_assets.warehouse.bucket`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from ncf_assets.warehouse.published import Version

SHORT = timedelta(seconds=20)  # for a request about a small object, with its retries; chosen
LONG = timedelta(hours=6)  # for a file
STALLED = timedelta(minutes=2)  # without a byte back, which 5 MB take at 0.3 Mbit/s; chosen
COMPARED = 64 << 10  # bytes at the end of an object by which it is known; a table's has its run
NOWHERE = {"e_tag": '"0"', "version": "1"}  # the version of no object


class StoreError(RuntimeError):
    """The object store cannot be used, or not in its present state. The message says what to do."""


class RefusedError(StoreError):
    """The object store refuses this machine, as it would again. The message says what to do."""


class ReplacedError(RuntimeError):
    """Another run has replaced what was to be replaced. The message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One object: its key, what distinguishes its content, when it was written, and its bytes."""

    key: str
    version: Version
    written: datetime
    size: int

    @property
    def etag(self) -> str:
        """The ETag without quotes, as Azure omits them in lists; a name for a file."""
        return re.sub(r"\W", "", self.version["e_tag"])


class ObjectStore:
    """The objects below one URL, by key. Every method may raise StoreError."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def find(self, key: str) -> Entry | None:
        """Return an object's entry; None if it does not exist."""
        with self._errors() as obstore:
            try:
                return _entry(obstore.head(self._small, key))
            except FileNotFoundError as error:
                self._check_bucket(error)
                return None

    def entries(self, below: str) -> list[Entry]:
        """Return the objects in a folder, and in the folders in it."""
        with self._errors() as obstore:
            batches = obstore.list(self._small, prefix=below.rstrip("/"))
            return [_entry(found) for batch in batches for found in batch]

    def download(self, key: str, path: Path) -> Entry | None:
        """Write an object to a new file; return its entry, or None if it does not exist."""
        with self._errors() as obstore:
            try:
                found = obstore.get(self._large, key)
            except FileNotFoundError as error:
                self._check_bucket(error)
                return None
            with path.open("wb") as file:
                for part in found.stream():
                    file.write(part)
        entry = _entry(found.meta)
        if path.stat().st_size != entry.size:
            raise StoreError(f"{self.url}/{key} came incomplete. Run this again.")
        return entry

    def end(self, key: str, size: int) -> tuple[bytes, Entry] | None:
        """Return the last bytes of an object, at most `size`; None if it does not exist."""
        with self._errors() as obstore:
            try:
                found = obstore.get(self._small, key, options={"range": {"suffix": size}})
            except FileNotFoundError:
                return None
            except obstore.exceptions.NotSupportedError:  # Azure counts from the start alone
                if (entry := self.find(key)) is None:
                    return None
                return self.part(entry, max(entry.size - size, 0), entry.size), entry
            return bytes(found.bytes()), _entry(found.meta)

    def part(self, entry: Entry, start: int, end: int) -> bytes:
        """Return the bytes from `start` to before `end` of an object that must be as it was."""
        options: Any = {"range": (start, end), "if_match": entry.version["e_tag"]}
        with self._errors() as obstore:
            try:
                return bytes(obstore.get(self._large, entry.key, options=options).bytes())
            except (obstore.exceptions.PreconditionError, FileNotFoundError) as error:
                raise StoreError(
                    f"{self.url}/{entry.key} was replaced while it was read. Run this again."
                ) from error

    def put(self, path: Path, key: str) -> None:
        """Replace an object by a file's content, whatever it was."""
        with self._errors() as obstore:
            obstore.put(self._large, key, path)

    def replace(self, path: Path, key: str, seen: Version | None) -> None:
        """Put a file's content in place of the object that was seen, or of none.

        It is one request, which the store carries out or refuses as a whole. Raise ReplacedError if
        it is refused.
        """
        mode: Any = "create" if seen is None else dict(seen)
        with self._errors() as obstore:
            refused = (
                obstore.exceptions.AlreadyExistsError,
                obstore.exceptions.PreconditionError,
            )
            try:
                obstore.put(self._large, key, path, mode=mode)
            except refused as error:
                # the store may have answered nothing, or an error, after it had carried it out
                if not self._is(path, key):
                    raise self.replaced(key) from error

    def replaced(self, key: str) -> ReplacedError:
        """Return the error that tells a run that it came too late."""
        return ReplacedError(
            f"another run, perhaps on another machine, has published {self.url}/{key} since this"
            " one began. It was left as it is, and nothing more of this run was published. Run this"
            " again if it is out of date."
        )

    def copy(self, key: str, to: str) -> None:
        """Copy an object within the store."""
        with self._errors() as obstore:
            obstore.copy(self._large, key, to)

    def remove(self, key: str) -> None:
        """Remove an object, if it exists."""
        with self._errors() as obstore:
            try:
                obstore.delete(self._small, key)
            except FileNotFoundError:
                return

    def check_usable(self) -> None:
        """Raise StoreError unless objects can be listed and put; nothing is written."""
        with self._errors() as obstore:
            next(iter(obstore.list(self._small, prefix="tables")), None)
            try:
                obstore.put(self._small, "tables/none", b"", mode=NOWHERE)
            except obstore.exceptions.PreconditionError:
                return
        raise StoreError(
            f"the object store {self.url} ignores the condition of a write (If-Match), so that runs"
            " could overwrite each other. Use a store that has conditional writes."
        )

    def spark_url(self, key: str) -> str:
        """Return an object's URL for Spark, or rather for Hadoop, whose name for S3 is s3a."""
        return f"{self.url}/{key}".replace("s3://", "s3a://", 1)

    def _is(self, path: Path, key: str) -> bool:
        """Return whether an object has a file's content, by its size and its end."""
        found = self.end(key, COMPARED)
        if found is None or found[1].size != path.stat().st_size:
            return False
        with path.open("rb") as file:
            file.seek(-len(found[0]), os.SEEK_END)
            return file.read() == found[0]

    def _check_bucket(self, error: Exception) -> None:
        """Raise the error again if it is the bucket that is missing."""
        if "NoSuchBucket" in str(error):
            raise error

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

        # these options replace those of the environment, so obstore's own variable is read here
        http = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
        client: Any = {"allow_http": http, **timeouts}
        retries: Any = {"retry_timeout": retry_timeout}
        return from_url(self.url, client_options=client, retry_config=retries)

    @contextmanager
    def _errors(self) -> Iterator[Any]:
        """Yield the package obstore, and raise StoreError in place of its errors."""
        try:
            import obstore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"NCF_DATA_DIR={self.url} needs the package obstore, which is not installed. Run"
                " `pip install 'ncf-assets[store]'`, or name a folder of this machine."
            ) from error
        try:
            yield obstore
        except (
            obstore.exceptions.BaseError,
            FileNotFoundError,  # the bucket is missing
            NotImplementedError,  # this kind of store lacks a function
            ValueError,  # the URL is wrong
        ) as error:
            raise self._told(error, obstore) from error

    def _told(self, error: Exception, obstore: Any) -> StoreError:
        """Return the error that says what the store refuses, and what to do."""
        text = str(error)
        code = next(iter(re.findall(r"<Code>(\w+)</Code>", text)), "")
        refusals = (
            obstore.exceptions.PermissionDeniedError,
            obstore.exceptions.UnauthenticatedError,
        )
        if isinstance(error, FileNotFoundError) or code == "NoSuchBucket":
            return RefusedError(
                f"there is no bucket at {self.url}. Create it, or correct NCF_DATA_DIR."
            )
        if code in REGION or "redirect" in text.lower():
            return RefusedError(
                f"the bucket of {self.url} is in another region than this machine asks"
                f" ({code or 'a redirect'}). Set AWS_REGION to the bucket's region."
            )
        if code in CREDENTIALS:
            return RefusedError(
                f"the object store {self.url} does not accept this machine's credentials ({code})."
                " Renew them (for S3 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN),"
                " then run this again."
            )
        if isinstance(error, refusals) or "status code: 403" in text:  # of a list it is generic
            method = next(iter(re.findall(r"performing ([A-Z]+) ", text)), "a request")
            return RefusedError(
                f"the object store {self.url} does not permit {method} ({code or 'no reason'})."
                " Check that the credentials are valid and may list, get, put and delete objects"
                " there, then run this again."
            )
        found = text.strip().split("\n", 1)[0]
        return StoreError(
            f"the object store {self.url} could not be used ({found}). Check that it exists, that"
            " this machine reaches it, and that its variables (for S3 AWS_ACCESS_KEY_ID,"
            " AWS_SECRET_ACCESS_KEY, AWS_REGION) are set, then run this again."
        )


# S3's codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
CREDENTIALS = (
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
)


def _entry(meta: Any) -> Entry:
    version = {name: meta[name] for name in ("e_tag", "version") if meta[name] is not None}
    return Entry(meta["path"], version, meta["last_modified"], meta["size"])
