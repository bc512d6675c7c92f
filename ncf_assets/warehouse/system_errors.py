"""Explain the errors of a machine (disk, permission, memory): what was found, and the remedy.

Whether a step is retried is decided in `ncf_assets.orchestration.errors`.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ncf_assets.warehouse.duckdb_limits import process_limit, spill_folder

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_PERMISSION_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}
# texts of libraries whose errors have no errno: HDF5, TensorFlow, DuckDB, SQLite
_DISK_FULL_TEXTS = (
    "No space left on device",
    "Disk quota exceeded",
    "disk is full",
)
_SPILL_DISK_FULL_TEXT = "max_temp_directory_size"  # DuckDB sets it to what the disk has
_SQLITE_LOG_TEXT = "disk I/O error"  # SQLite says it if it could not write its log, and otherwise
_PERMISSION_DENIED_TEXTS = (
    "Permission denied",
    "Read-only file system",
    "readonly database",
    "unable to open database file",
)
_OUT_OF_MEMORY_TEXTS = ("bad_alloc", "OOM when allocating")
_OTHER_FOLDER = "another folder with NCF_DATA_DIR or DAGSTER_HOME."


@dataclass(frozen=True)
class Explanation:
    """What the machine refused, and the remedy; `transient` if another try may succeed."""

    text: str
    transient: bool = False


def explain(error: BaseException, folder: Path) -> Explanation | None:
    """Explain an error that comes from the machine; return None for another error.

    `folder` is the data folder, whose disk is examined if the error names no file.
    """
    for cause in _causes(error):
        if found := _disk(cause, folder) or _memory(cause):
            return found
    return None


def _disk(error: BaseException, folder: Path) -> Explanation | None:
    """Explain a full disk, a missing permission, or a folder that cannot be made."""
    text, path = str(error), _affected_path(error, folder)
    number = error.errno if isinstance(error, OSError) else None
    if _SPILL_DISK_FULL_TEXT in text:
        return Explanation(_spill_disk_full(spill_folder(folder) or folder / "tmp", text))
    is_full = number in _DISK_FULL or _has_any(text, _DISK_FULL_TEXTS)
    if is_full or _sqlite_disk_full(text, folder):
        return Explanation(_disk_full(path, text))
    if number in _PERMISSION_DENIED or _has_any(text, _PERMISSION_DENIED_TEXTS):
        return Explanation(_not_writable(path, text))
    if number in _NOT_A_FOLDER:
        return Explanation(f"a file is where {path} needs a folder. Name {_OTHER_FOLDER}")
    return None


def _memory(error: BaseException) -> Explanation | None:
    """Explain a lack of memory: DuckDB's limit stays, but other programs may free their memory."""
    text, out_of_memory = str(error), duckdb.OutOfMemoryException
    if isinstance(error, out_of_memory) and " used)" in text:
        return Explanation(_duckdb_limit_reached(text))
    if isinstance(error, MemoryError | out_of_memory) or _has_any(text, _OUT_OF_MEMORY_TEXTS):
        return Explanation(_out_of_memory(text), transient=True)
    return None


def _has_any(text: str, parts: Iterable[str]) -> bool:
    return any(part in text for part in parts)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, then each error that it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _sqlite_disk_full(text: str, folder: Path) -> bool:
    """Return whether SQLite failed on a disk that has no space for its log."""
    home = Path(os.environ.get("DAGSTER_HOME") or folder)
    return _SQLITE_LOG_TEXT in text and shutil.disk_usage(_nearest_existing(home)).free < 1 << 20


def _disk_full(path: Path, found: str) -> str:
    return (
        f"the disk is full ({_first_line(found)}): more is needed than the"
        f" {_free_megabytes(path)} MB that are free at {path}. Free some space, or move what is"
        " large to another disk with NCF_DATA_DIR or DAGSTER_HOME."
    )


def _spill_disk_full(folder: Path, found: str) -> str:
    return (
        f"the disk is full ({_first_line(found)}), and DuckDB spills to it what does not fit into"
        f" memory: {_free_megabytes(folder)} MB are free at {folder}. Free some space, name a"
        " folder on another disk with NCF_DUCKDB_TEMP_DIR, or raise NCF_DUCKDB_MEMORY_GB."
    )


def _free_megabytes(path: Path) -> str:
    """Return the free space of a path's disk in 10^6 bytes."""
    return f"{shutil.disk_usage(_nearest_existing(path)).free / 1e6:,.1f}"


def _not_writable(path: Path, found: str) -> str:
    return (
        f"{path} must be writable for user {os.getuid()}, and is not ({_first_line(found)}). Give"
        f" the permission, or name {_OTHER_FOLDER}"
    )


def _duckdb_limit_reached(found: str) -> str:
    return (
        f"DuckDB has used up the memory that it may have ({_first_line(found)}) and could not"
        " spill enough to disk. Raise NCF_DUCKDB_MEMORY_GB."
    )


def _out_of_memory(found: str) -> str:
    limit = process_limit()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if limit is None else limit
    owner = "this machine has" if limit is None else "this process may have"
    return (
        f"out of memory ({_first_line(found)}): {owner} {memory / 1e9:,.1f} GB. End other programs"
        " or runs, lower NCF_DUCKDB_MEMORY_GB, which is DuckDB's part, or use a machine with more."
    )


def _affected_path(error: BaseException, folder: Path) -> Path:
    """Return the file that an error names, or else the folder that the caller knows."""
    named = error.filename if isinstance(error, OSError) else None
    return Path(os.fsdecode(named)) if isinstance(named, str | bytes) else folder


def _nearest_existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0] or "without details"
