"""Finding a dataset's file on this machine, or fetching it from where it is published.

Here are names under `data/raw`, and what is done with a finished or failed download. HTTP and
retries are `ncf_assets.ingest.transfer`'s, the unfinished file `ncf_assets.ingest.part`'s; what
stands in the file is `ncf_assets.ingest.reader`'s concern.
"""

from pathlib import Path
from urllib.parse import urlsplit

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import packing, transfer
from ncf_assets.ingest.part import claimed
from ncf_assets.ingest.source import files_of
from ncf_assets.ingest.transfer import OnProgress, OnRetry


class DownloadError(RuntimeError):
    """A file could not be fetched; the message names the URL, what happened and the remedy."""


class RefusedError(DownloadError):
    """As `DownloadError`, where trying again cannot help."""


def locate(dataset: Dataset, registry_folder: Path, raw_folder: Path) -> Path | None:
    """Return the file to read, or None where it must be downloaded.

    An explicit `path` wins, whether or not a file is there, and may name several (`source`).
    Otherwise it is the file of
    `dataset.file_name` in `raw_folder`, or that one unpacked (the name without `.gz`).
    """
    if dataset.path is not None:
        return registry_folder / dataset.path  # an absolute path replaces the folder
    for name in (dataset.file_name, dataset.file_name.removesuffix(".gz")):
        if (raw_folder / name).is_file():
            return raw_folder / name
    return None


def fetch(
    dataset: Dataset,
    target: Path,
    on_progress: OnProgress | None = None,
    on_retry: OnRetry | None = None,
) -> Path:
    """Download `dataset.url` to `target`, whole or not at all, and return `target`.

    The bytes are kept as sent, in a hidden file beside the target until all have arrived, have the
    SHA-256 that the registry states, and are on the disk. What arrives before a cut is kept, and
    the next call goes on from there. A second call at the same time waits for the first one's file.
    Raises `DownloadError` after several tries in vain, `RefusedError` at once where more are vain.
    """
    url = dataset.url or ""
    if urlsplit(url).scheme not in ("http", "https"):
        raise RefusedError(
            f"{dataset.name}: must be an http or https URL, found {url!r}; correct `url` in"
            " datasets.toml, or give a `path`"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with claimed(target) as part:
        if part is None:  # another process has fetched it while this one waited
            return target
        try:
            transfer.receive(url, part, on_progress, on_retry)
        except transfer.PassingError as error:
            kept = f" ({part.length:,} bytes are kept and not fetched again)" if part.length else ""
            raise DownloadError(
                f"{dataset.name}: {url}: {error}; try again later{kept}, or download it by hand and"
                f" put it in {target}"
            ) from error
        except transfer.FinalError as error:
            raise RefusedError(
                f"{dataset.name}: {url}: {error}; correct `url` in datasets.toml, or download it by"
                f" hand and put it in {target}"
            ) from error
        except transfer.NoRoomError as error:
            raise RefusedError(
                f"{dataset.name}: {url}: {error} of {target}; free some, or move the data to"
                " another disk with NCF_DATA_DIR"
            ) from error
        if wrong := wrong_hash(dataset, part.path):
            part.discard()
            raise RefusedError(f"{wrong}; it came from {url} and was thrown away")
        part.publish()
    return target


def check(dataset: Dataset, found: Path) -> None:
    """Raise `SourceError` where what `locate` found is not there, or not the registry's."""
    files = files_of(found)
    if not files:
        raise packing.SourceError(
            f"{found}: must be a file, or a folder or pattern with files, found none; put the file"
            " there, or correct `path` in datasets.toml"
        )
    if dataset.sha256 and len(files) > 1:
        raise packing.SourceError(
            f"{found}: `sha256` is that of one file, found {len(files)} files; remove `sha256` from"
            f" [{dataset.name}] in datasets.toml"
        )
    if wrong := wrong_hash(dataset, files[0]):
        raise packing.SourceError(f"{found}: {wrong}")


def wrong_hash(dataset: Dataset, file: Path) -> str | None:
    """Say how a file's SHA-256 differs from the registry's; None if it does not."""
    if dataset.sha256 is None:
        return None
    found = packing.fingerprint(file)
    if found == dataset.sha256:
        return None
    return (
        f"{dataset.name}: the file must have the SHA-256 {dataset.sha256} of datasets.toml, found"
        f" {found}; fetch another copy, or correct `sha256`"
    )
