"""What a machine refuses (disk, permission, memory), in words: what was found, and the remedy.

Whether a step is tried again is decided in `ncf_assets.assets.failing`.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ncf_assets.warehouse.memory import process_limit, spill_folder

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}
_MOVE = "name another folder with NCF_DATA_DIR or DAGSTER_HOME"
# libraries that keep no errno: HDF5, TensorFlow, DuckDB, SQLite
_FULL_TEXTS = (
    "No space left on device",
    "Disk quota exceeded",
    "disk is full",
)
_SPILL_FULL = "max_temp_directory_size"  # which DuckDB sets by what the disk has
_SQLITE_FULL = "disk I/O error"  # SQLite's words for a log that could not be made, among others
_FORBIDDEN_TEXTS = (
    "Permission denied",
    "Read-only file system",
    "readonly database",
    "unable to open database file",
)
_MEMORY_TEXTS = ("bad_alloc", "OOM when allocating")


@dataclass(frozen=True)
class Trouble:
    """One refusal; `passing` if the same may be granted in a while."""

    text: str
    passing: bool = False


def trouble(error: BaseException, place: Path) -> Trouble | None:
    """What the machine refused, if that is what an error comes from; `place` is on its disk."""
    for cause in _causes(error):
        if found := _disk(cause, place) or _memory(cause):
            return found
    return None


def _disk(error: BaseException, place: Path) -> Trouble | None:
    """Space, permission, or a folder that cannot be made."""
    text, where = str(error), _place(error, place)
    number = error.errno if isinstance(error, OSError) else None
    if _SPILL_FULL in text:
        return Trouble(_spill_full(spill_folder(place) or place / "tmp", text))
    if number in _FULL or _says(text, _FULL_TEXTS) or _log_full(text, place):
        return Trouble(_full(where, text))
    if number in _FORBIDDEN or _says(text, _FORBIDDEN_TEXTS):
        return Trouble(_forbidden(where, text))
    if number in _NO_FOLDER:
        return Trouble(f"a file is where {where} wants a folder; {_MOVE}")
    return None


def _memory(error: BaseException) -> Trouble | None:
    """DuckDB's own limit stays; what other programs have may come back."""
    text, out_of_memory = str(error), duckdb.OutOfMemoryException
    if isinstance(error, out_of_memory) and " used)" in text:
        return Trouble(_duckdb_full(text))
    if isinstance(error, MemoryError | out_of_memory) or _says(text, _MEMORY_TEXTS):
        return Trouble(_no_memory(text), passing=True)
    return None


def _says(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _log_full(text: str, place: Path) -> bool:
    """Whether SQLite failed on a disk that has no space for its log."""
    home = Path(os.environ.get("DAGSTER_HOME") or place)
    return _SQLITE_FULL in text and shutil.disk_usage(_existing(home)).free < 1 << 20


def _full(place: Path, found: str) -> str:
    return (
        f"the disk is full ({_first_line(found)}): more is needed than the {_free(place)} MB"
        f" that are free at {place}; free some, or move what is large to another disk with"
        " NCF_DATA_DIR or DAGSTER_HOME"
    )


def _spill_full(folder: Path, found: str) -> str:
    return (
        f"the disk is full ({_first_line(found)}) to which DuckDB spills what its memory does not"
        f" hold: {_free(folder)} MB are free at {folder}; free some, name a folder on another disk"
        " with NCF_SPILL_DIR, or raise NCF_MEMORY_GB"
    )


def _free(place: Path) -> str:
    """In 10^6 bytes."""
    return f"{shutil.disk_usage(_existing(place)).free / 1e6:,.1f}"


def _forbidden(place: Path, found: str) -> str:
    return (
        f"{place} must be writable for user {os.getuid()}, and is not ({_first_line(found)});"
        f" give the permission, or {_MOVE}"
    )


def _duckdb_full(found: str) -> str:
    return (
        f"DuckDB has used up the memory that it may have ({_first_line(found)}) and could not"
        " spill enough to disk; raise NCF_MEMORY_GB"
    )


def _no_memory(found: str) -> str:
    limit = process_limit()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if limit is None else limit
    whose = "this machine has" if limit is None else "this process may have"
    return (
        f"out of memory ({_first_line(found)}): {whose} {memory / 1e9:,.1f} GB; end other programs"
        " or runs, lower NCF_MEMORY_GB, which is DuckDB's part, or use a machine with more"
    )


def _place(error: BaseException, place: Path) -> Path:
    """The file that an error names, else the place that the caller knows."""
    named = error.filename if isinstance(error, OSError) else None
    return Path(os.fsdecode(named)) if isinstance(named, str | bytes) else place


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that there is."""
    return next((p for p in (path, *path.absolute().parents) if p.exists()), Path("/"))


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0] or "no more is said"
