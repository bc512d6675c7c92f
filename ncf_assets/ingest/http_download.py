"""Download one file by HTTP into a `PartialDownload`: resume after a cut, retry transient errors.

The proxy that the environment names is used. Which file goes where is decided in
`ncf_assets.ingest.download`; the bytes are stored in `ncf_assets.ingest.partial_download`.
"""

import errno
import re
import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import requests
import urllib3

from ncf_assets.ingest.partial_download import PartialDownload

OnProgress = Callable[[int, int | None], None]  # bytes so far, bytes in all if that is known
OnRetry = Callable[[str], None]  # what happened, and how long the download waits

# seconds before each retry; chosen: two minutes in all, as the step is not tried again
RETRY_DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
LONGEST_WAIT = 120.0  # seconds that a server may ask for; chosen: as long as all the delays above
_BLOCK = 1 << 16  # bytes that a cut loses at most
# bytes between two calls of `on_progress`; chosen: some fifty lines of log for Books
_STEP = 64 << 20
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte; chosen: patient with SNAP
_GLANCE = (3.0, 3.0)  # the same for a question whose answer is not waited for; chosen
# the server neither packs nor unpacks its file, so a .gz file arrives as it is
_AS_IT_IS = {"Accept-Encoding": "identity"}

# errors of the system after which another try cannot help while the network is as it is
NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, socket.EAI_NONAME)
_TRANSIENT_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,  # the file has changed: the next try gets all of it
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_PERMANENT_ERRORS = (  # errors of requests that another try cannot fix
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
)


class TransientError(RuntimeError):
    """An error that may be gone in a while: a lost connection, a timeout, a server error."""

    def __init__(self, found: str, wait: float = 0.0) -> None:
        super().__init__(found)
        self.wait = wait  # seconds that the server asks for


class UnreachableError(TransientError):
    """The server's name has no address, or no way leads to it, as is so without a network."""


class PermanentError(RuntimeError):
    """An error that stays: a missing file, or a redirect to other schemes than http and https."""


class DiskFullError(RuntimeError):
    """The file does not fit on the disk."""


ERRORS = (TransientError, PermanentError, DiskFullError)


def receive(
    url: str,
    partial: PartialDownload,
    on_progress: OnProgress | None = None,
    on_retry: OnRetry | None = None,
) -> None:
    """Get all of `url` into `partial`.

    Retry after each of `RETRY_DELAYS`, and begin with the first delay again whenever a try gained
    bytes. Raise `TransientError` after the last delay, `UnreachableError` at once unless bytes have
    come by this call, `PermanentError` if another try cannot help, and `DiskFullError` if the disk
    is too small, before the first byte if the length is known then.
    """
    begun = partial.length
    failures = 0  # tries without a byte, one after the other
    while True:
        before = partial.length
        try:
            return _attempt(url, partial, on_progress)
        except TransientError as error:
            if isinstance(error, UnreachableError) and partial.length <= begun:
                raise
            failures = 0 if partial.length > before else failures + 1
            if failures > len(RETRY_DELAYS):
                raise
            wait = max(RETRY_DELAYS[max(0, failures - 1)], min(error.wait, LONGEST_WAIT))
            if on_retry:
                on_retry(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)


def ask(url: str) -> None:
    """Ask for `url` once, and read none of it. Raise as `receive` does if it cannot be had.

    A server that refuses connections is unreachable here, where nobody waits for it to come back.
    """
    with (
        _translated_errors((*NO_WAY, errno.ECONNREFUSED)),
        requests.get(url, stream=True, timeout=_GLANCE, headers=_AS_IT_IS) as response,
    ):
        if response.status_code != HTTPStatus.OK:
            raise _status_error(response)


@contextmanager
def _translated_errors(unreachable: Collection[int] = NO_WAY) -> Iterator[None]:
    """Raise the errors of this module in place of those of requests and urllib3."""
    try:
        yield
    except _PERMANENT_ERRORS as error:
        raise PermanentError(f"{type(error).__name__}: {error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        number, found = _cause(error)
        kind = UnreachableError if number in unreachable else TransientError
        raise kind(found) from error


def _cause(error: BaseException) -> tuple[int | None, str]:
    """Return the number of the system's error that one of requests comes from, and what it says."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, urllib3.exceptions.NameResolutionError):
            name = re.search(r"Failed to resolve '(.+?)'", str(cause))
            return socket.EAI_NONAME, f"no address is known for {name[1] if name else 'the server'}"
        if isinstance(cause, OSError) and cause.errno in NO_WAY:
            return cause.errno, f"there is no way to the server ({cause.strerror})"
        if isinstance(cause, ConnectionRefusedError):
            return cause.errno, "the server refuses connections"
        cause = cause.__cause__ or cause.__context__
    return None, f"{type(error).__name__}: {error}"


def _attempt(url: str, partial: PartialDownload, on_progress: OnProgress | None) -> None:
    try:
        with _translated_errors(), _get(url, partial) as response:
            total = _begin(url, response, partial)
            _check_space(partial, total)
            for block in response.raw.stream(_BLOCK, decode_content=False):
                before = partial.length
                _write(url, partial, block)
                if on_progress and before // _STEP < partial.length // _STEP:
                    on_progress(partial.length, total)
    finally:
        partial.sync()
    if total is not None and partial.length != total:
        found = partial.length
        partial.begin(url, None)
        raise TransientError(f"{total} bytes announced, {found} arrived")
    if on_progress:
        on_progress(partial.length, total)


def _check_space(partial: PartialDownload, total: int | None) -> None:
    """Raise `DiskFullError` if the disk cannot hold `total` bytes."""
    if total is not None and (space := partial.missing_room(total)):
        needed, free = space
        raise DiskFullError(f"{needed:,} bytes are needed, and {free:,} are free on the disk")


def _write(url: str, partial: PartialDownload, block: bytes) -> None:
    """Append a block; if the disk is full, remove all bytes, which would keep it full."""
    try:
        partial.write(block)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        arrived = partial.length
        partial.begin(url, None)
        raise DiskFullError(f"the disk was full after {arrived:,} bytes") from error


def _get(url: str, partial: PartialDownload) -> requests.Response:
    headers = dict(_AS_IT_IS)
    validator = partial.validator(url) if partial.length else None
    if validator:
        # RFC 9110, 13.1.5: the rest if the file is still the same, otherwise all of it
        headers |= {"Range": f"bytes={partial.length}-", "If-Range": validator}
    return requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers)


def _begin(url: str, response: requests.Response, partial: PartialDownload) -> int | None:
    """Prepare `partial` for a response's body; return how many bytes it will have in the end."""
    status = response.status_code
    if status == HTTPStatus.PARTIAL_CONTENT:
        stated = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "")
        )
        if stated and int(stated[1]) == partial.length:
            return None if stated[2] == "*" else int(stated[2])
        partial.begin(url, None)
        raise TransientError("the server sent another part of the file than it was asked for")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.begin(url, None)
    if status != HTTPStatus.OK:
        raise _status_error(response)
    partial.begin(url, _validator(response))
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _status_error(response: requests.Response) -> TransientError | PermanentError:
    status = response.status_code
    found = f"HTTP status {status}" + (f" from {response.url}" if response.history else "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRANSIENT_STATUSES:
        asked = response.headers.get("Retry-After", "")
        return TransientError(found, float(asked) if asked.isdecimal() else 0.0)
    return PermanentError(found)


def _validator(response: requests.Response) -> str | None:
    """Return what identifies this version of the file: a strong ETag, or the date."""
    if response.headers.get("Accept-Ranges", "").lower() == "none":
        return None
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")
