"""Finding a dataset's file on this machine, or fetching it from where it is published.

Here are names under `data/raw` and HTTP. What stands in the file is `ncf_assets.ingest.reader`'s
concern. An interrupted download starts anew.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from ncf_assets.datasets import Dataset

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where that is known

_BLOCK = 1 << 20  # bytes
_STEP = (
    64 << 20
)  # bytes between two calls of `on_progress`; ours: some fifty lines of log for Books
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte; ours: patient with SNAP


class DownloadError(RuntimeError):
    """A file could not be fetched; the message names the URL, what happened and the remedy."""


def locate(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> Path | None:
    """Return the file to read, or None where it must be downloaded.

    An explicit `path` wins, whether or not a file is there. Otherwise it is the file of
    `dataset.file_name` in `raw_folder`, or that one unpacked (the name without `.gz`).
    """
    if dataset.path is not None:
        return registry_folder / dataset.path  # an absolute path replaces the folder
    for name in (dataset.file_name, dataset.file_name.removesuffix(".gz")):
        if (raw_folder / name).is_file():
            return raw_folder / name
    return None


def fetch(dataset: Dataset, target: Path, on_progress: Progress | None = None) -> Path:
    """Download `dataset.url` to `target`, whole or not at all, and return `target`.

    The bytes are kept as sent, in a hidden file beside the target until all have arrived and are on
    the disk. `on_progress` is called every 64 MiB and at the end. Raises `DownloadError` on a
    refusal, a lost connection or a number of bytes that is not the announced one.
    """
    url = dataset.url or ""
    if urlsplit(url).scheme not in ("http", "https"):
        raise _error(dataset, target, f"must be an http or https URL, found {url!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")  # another process has its own
    try:
        with part.open("wb") as file:
            for block in _received(dataset, target, on_progress):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _received(dataset: Dataset, target: Path, on_progress: Progress | None) -> Iterator[bytes]:
    """Yield the body as sent; raise `DownloadError` unless all of it arrives."""
    try:
        with _get(dataset.url or "") as response:
            if response.status_code != requests.codes.ok:
                raise _error(dataset, target, f"HTTP status {response.status_code}")
            total, done = _content_length(response), 0
            for block in response.raw.stream(_BLOCK, decode_content=False):
                yield block
                before, done = done, done + len(block)
                if on_progress and before // _STEP < done // _STEP:
                    on_progress(done, total)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _error(dataset, target, f"{type(error).__name__}: {error}") from error
    if total is not None and done != total:
        raise _error(dataset, target, f"{total} bytes announced, {done} arrived")
    if on_progress:
        on_progress(done, total)


def _get(url: str) -> requests.Response:
    # identity: a .gz file is to arrive as it lies on the server, neither packed nor unpacked
    headers = {"Accept-Encoding": "identity"}
    return requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers)


def _content_length(response: requests.Response) -> int | None:
    stated = response.headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() else None


def _error(dataset: Dataset, target: Path, found: str) -> DownloadError:
    return DownloadError(
        f"{dataset.name}: {dataset.url}: {found}; try again later, or download it by hand and put "
        f"it in {target}"
    )
