"""HTTP: one file into a `Part`, going on after a cut, and again after what passes.

A proxy that the environment names is used. Which file goes where is `ncf_assets.ingest.download`'s.
"""

import errno
import re
import time
from collections.abc import Callable
from http import HTTPStatus

import requests
import urllib3

from ncf_assets.ingest.part import Part

OnProgress = Callable[[int, int | None], None]  # bytes so far, bytes in all where that is known
OnRetry = Callable[[str], None]  # what happened, and how long is waited

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each further try; ours
LONGEST_WAIT = 60.0  # seconds that a server may ask for; ours
_BLOCK = 1 << 16  # bytes; what a cut loses at most
# bytes between two calls of `on_progress`; ours: some fifty lines of log for Books
_STEP = 64 << 20
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte; ours: patient with SNAP

_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,  # the file has changed: the next try starts anew
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_NEVER = (  # requests' errors that trying again cannot mend
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
)


class PassingError(RuntimeError):
    """What may be otherwise in a while: a lost connection, a time-out, a server in trouble."""

    def __init__(self, found: str, wait: float = 0.0) -> None:
        super().__init__(found)
        self.wait = wait  # seconds that the server asks for


class FinalError(RuntimeError):
    """What stays: a missing file, a redirect to something other than http and https."""


class NoRoomError(RuntimeError):
    """The disk does not hold the file."""


def receive(
    url: str, part: Part, on_progress: OnProgress | None = None, on_retry: OnRetry | None = None
) -> None:
    """Get all of `url` into `part`.

    Tries again after `WAITS`, from the beginning of them whenever bytes were gained. Raises
    `PassingError` when they are used up, `FinalError` where trying again cannot help, and
    `NoRoomError`, if the length is known before anything arrives, where the disk is too small.
    """
    in_vain = 0  # tries
    while True:
        before = part.length
        try:
            return _attempt(url, part, on_progress)
        except PassingError as error:
            in_vain = 0 if part.length > before else in_vain + 1
            if in_vain > len(WAITS):
                raise
            wait = max(WAITS[max(0, in_vain - 1)], min(error.wait, LONGEST_WAIT))
            if on_retry:
                on_retry(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)


def _attempt(url: str, part: Part, on_progress: OnProgress | None) -> None:
    try:
        with _get(url, part) as response:
            total = _begin(url, response, part)
            _check_room(part, total)
            for block in response.raw.stream(_BLOCK, decode_content=False):
                before = part.length
                _write(url, part, block)
                if on_progress and before // _STEP < part.length // _STEP:
                    on_progress(part.length, total)
    except _NEVER as error:
        raise FinalError(_shown(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise PassingError(_shown(error)) from error
    finally:
        part.sync()
    if total is not None and part.length != total:
        found = part.length
        part.begin(url, None)
        raise PassingError(f"{total} bytes announced, {found} arrived")
    if on_progress:
        on_progress(part.length, total)


def _check_room(part: Part, total: int | None) -> None:
    """Refuse to begin what the disk cannot hold."""
    if total is not None and (room := part.missing_room(total)):
        needed, free = room
        raise NoRoomError(f"{needed:,} bytes are needed, and {free:,} are free on the disk")


def _write(url: str, part: Part, block: bytes) -> None:
    """Append what arrived; on a full disk throw all of it away, which would keep it full."""
    try:
        part.write(block)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        arrived = part.length
        part.begin(url, None)
        raise NoRoomError(f"the disk was full after {arrived:,} bytes") from error


def _get(url: str, part: Part) -> requests.Response:
    # identity: a .gz file is to arrive as it lies on the server, neither packed nor unpacked
    headers = {"Accept-Encoding": "identity"}
    validator = part.validator(url) if part.length else None
    if validator:
        # RFC 9110, 13.1.5: the rest if the file is still the same, otherwise all of it
        headers |= {"Range": f"bytes={part.length}-", "If-Range": validator}
    return requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers)


def _begin(url: str, response: requests.Response, part: Part) -> int | None:
    """Make the part ready for a response's body; the bytes that it will have in the end."""
    status = response.status_code
    if status == HTTPStatus.PARTIAL_CONTENT:
        stated = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "")
        )
        if stated and int(stated[1]) == part.length:
            return None if stated[2] == "*" else int(stated[2])
        part.begin(url, None)
        raise PassingError("another part of the file arrived than was asked for")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.begin(url, None)
    if status != HTTPStatus.OK:
        raise _refusal(response)
    part.begin(url, _validator(response))
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _refusal(response: requests.Response) -> PassingError | FinalError:
    status = response.status_code
    found = f"HTTP status {status}" + (f" from {response.url}" if response.history else "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        asked = response.headers.get("Retry-After", "")
        return PassingError(found, float(asked) if asked.isdecimal() else 0.0)
    return FinalError(found)


def _validator(response: requests.Response) -> str | None:
    """What tells this version of the file from another: a strong ETag, or the date."""
    if response.headers.get("Accept-Ranges", "").lower() == "none":
        return None
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
