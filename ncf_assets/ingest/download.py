"""Find a dataset's file on this machine, or download it from where it is published.

This module decides which file under `data/raw` a dataset has, and what happens after a finished or
failed download. Requests and retries are in `ncf_assets.ingest.http_download`, the unfinished file
is stored in `ncf_assets.ingest.partial_download`, and a file's lines are read in
`ncf_assets.ingest.reader`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import compression, tables
from ncf_assets.ingest.partial_download import locked_download
from ncf_assets.ingest.source import files_of

if TYPE_CHECKING:  # requests is imported where something is fetched
    from ncf_assets.ingest.http_download import OnProgress, OnRetry


SERVERS_AT_ONCE = 8  # that are asked for files: chosen


class DownloadError(RuntimeError):
    """A file could not be downloaded. The message names the URL, what happened and the remedy."""


def locate(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> Path | None:
    """Return the file to read, or None if it must be downloaded.

    An explicit `path` wins, whether or not it exists; it may name several files, as
    `ncf_assets.ingest.source` says. Otherwise the file is one that somebody has put into
    `raw_folder`: `dataset.file_name`, or the same file unpacked (the name without `.gz`). If there
    is none, it is what this URL has brought, `dataset.download_name`.
    """
    if dataset.path is not None:
        # an absolute path replaces the folder
        return registry_folder / Path(dataset.path).expanduser()
    by_hand = (dataset.file_name, dataset.file_name.removesuffix(".gz"))
    for name in (*by_hand, dataset.download_name):
        if (raw_folder / name).is_file():
            return raw_folder / name
    return None


def fetch(
    dataset: Dataset,
    target: Path,
    on_progress: "OnProgress | None" = None,
    on_retry: "OnRetry | None" = None,
) -> Path:
    """Download `dataset.url` to `target` completely or not at all, and return `target`.

    A web page, which a moved link brings, is refused. The bytes are stored as the server sends
    them. They are in a hidden file next to the target until all have arrived, have the SHA-256 that
    the registry states, and are on the disk. If the connection is cut, the bytes so far are kept,
    and the next call resumes after them. A second call at the same time waits for the file of the
    first. Raise `DownloadError`, after several tries where another may help.
    """
    from ncf_assets.ingest import http_download

    url = dataset.url or ""
    if urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError(
            f"{dataset.name}: `url` must be an http or https URL, found {url!r}. Correct `url` of"
            f" {dataset.block}, or give a `path`."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked_download(target) as partial:
        if partial is None:  # another process has downloaded it while this one waited
            return target
        try:
            http_download.receive(url, partial, on_progress, on_retry)
        except http_download.ERRORS as error:
            raise _told(error, dataset, target, partial.length) from error
        if wrong := wrong_hash(dataset, partial.path):
            partial.discard()
            raise DownloadError(f"{wrong}. The file came from {url} and was removed.")
        if compression.is_web_page(partial.path):
            partial.discard()
            raise DownloadError(
                f"{dataset.name}: {url} brought a web page in place of a file, which was removed."
                f" Correct `url` of {dataset.block}, or download the file by hand and put it in"
                f" {target.with_name(dataset.file_name)}."
            )
        partial.publish()
    return target


def _told(error: Exception, dataset: Dataset, target: Path, kept: int = 0) -> DownloadError:
    """Return the error that names the URL, what happened and the remedy."""
    from ncf_assets.ingest import http_download

    found = f"{dataset.name}: {dataset.url}: {error}"
    by_hand = f"download the file by hand and put it in {target.with_name(dataset.file_name)}"
    length = f" ({kept:,} bytes are kept and not downloaded again)" if kept else ""
    match error:
        case http_download.DiskFullError():
            return DownloadError(
                f"{found} of {target}. Free some space, or move the data to another disk with"
                " NCF_DATA_DIR."
            )
        case http_download.PermanentError():
            return DownloadError(f"{found}. Correct `url` of {dataset.block}, or {by_hand}.")
        case http_download.UnreachableError():
            return DownloadError(
                f"{found}. Check the network and the address, and try again{length}, or {by_hand}."
            )
    return DownloadError(f"{found}. Try again later{length}, or {by_hand}.")


def refusal(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> str | None:
    """Return why a dataset's file cannot be had, as far as one short question can tell.

    A table that is there must have its columns. The server of another file is asked, and nothing is
    downloaded. An error that may pass is no refusal.
    """
    if found := locate(dataset, registry_folder, raw_folder):
        return _unreadable(dataset, found)
    from ncf_assets.ingest import http_download

    try:
        http_download.ask(str(dataset.url))
    except (http_download.PermanentError, http_download.UnreachableError) as error:
        return str(_told(error, dataset, raw_folder / dataset.download_name))
    except http_download.TransientError:
        pass
    return None


def refusals(
    datasets: Sequence[Dataset], registry_folder: Path, raw_folder: Path
) -> list[str | None]:
    """Return what `refusal` does of each dataset; their servers are asked at the same time."""
    with ThreadPoolExecutor(SERVERS_AT_ONCE) as pool:
        return list(pool.map(lambda one: refusal(one, registry_folder, raw_folder), datasets))


def _unreadable(dataset: Dataset, found: Path) -> str | None:
    """Return why what `locate` found cannot be read, as far as its beginning tells."""
    if not (files := files_of(found)):
        return _missing(dataset, found)
    try:
        if dataset.format == "table":
            tables.check_columns(files, dataset)
    except compression.SourceError as error:
        return str(error)
    return None


def _missing(dataset: Dataset, found: Path) -> str:
    return (
        f"{found} must be a file, or a folder or pattern with files, found none. Put the file"
        f" there, or correct `path` of {dataset.block}"
    )


def remove_former(dataset: Dataset, target: Path) -> None:
    """Remove what other URLs of the same file name have brought; no two datasets have that."""
    name, dot, rest = dataset.file_name.partition(".")
    digits = "[0-9a-f]" * 8
    for file in target.parent.glob(f"{escape(name)}-{digits}{escape(dot + rest)}"):
        if file != target:
            file.unlink()


def check(dataset: Dataset, found: Path) -> None:
    """Raise `SourceError` if what `locate` found does not exist, or is not the registry's file."""
    files = files_of(found)
    if not files:
        raise compression.SourceError(_missing(dataset, found))
    if dataset.sha256 and len(files) > 1:
        raise compression.SourceError(
            f"{found}: `sha256` is the hash of one file, found {len(files)} files. Remove `sha256`"
            f" from {dataset.block}"
        )
    if wrong := wrong_hash(dataset, files[0]):
        raise compression.SourceError(f"{found}: {wrong}")


def wrong_hash(dataset: Dataset, file: Path) -> str | None:
    """Return how a file's SHA-256 differs from the registry's; None if it does not."""
    if dataset.sha256 is None:
        return None
    found = compression.fingerprint(file)
    if found == dataset.sha256:
        return None
    return (
        f"{dataset.name}: the file must have the SHA-256 {dataset.sha256} of {dataset.block},"
        f" found {found}. Download another copy, or correct `sha256`"
    )
