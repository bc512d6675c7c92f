"""Replace files and folders atomically: write next to the target, sync, then rename over it.

This module also finds the temporary files that killed processes leave. What the files contain is
known to the other modules of `ncf_assets.warehouse`.
"""

import contextlib
import fcntl
import glob
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.\w+")  # the names that `temporary` gives


@contextlib.contextmanager
def temporary(target: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """Yield a hidden name next to the target, which `*.parquet` does not match.

    The file is removed at the end, unless it has been renamed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}{suffix}")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def temporaries(folder: Path) -> list[Path]:
    """Return the files and folders in a folder that have names of `temporary`."""
    return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def atomic_replace(written: Path, target: Path) -> None:
    """Rename over the target; after a power failure the old file or the new one is complete."""
    _sync(written, os.O_RDWR)
    written.replace(target)
    _sync(target.parent, os.O_RDONLY)


@contextlib.contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden name for a folder next to the target; remove the folder at the end."""
    with temporary(target) as path:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked_temp_dir(target: Path) -> Iterator[Path]:
    """Yield a new hidden folder next to the target, locked until it is removed at the end.

    First remove the folders that killed processes left there for the same target.
    """
    for orphaned in orphaned_temp_dirs(target):
        shutil.rmtree(orphaned, ignore_errors=True)  # several processes may do it at once
    with temporary_folder(target) as path:
        (new := path.with_suffix(".new")).mkdir()
        descriptor = os.open(new, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # the kernel frees it when the process dies
            new.rename(path)  # after locking, so that nobody takes it for orphaned
            yield path
        finally:
            os.close(descriptor)


def orphaned_temp_dirs(target: Path) -> list[Path]:
    """Return the folders of `locked_temp_dir` for a target whose process is gone."""
    pattern = f".{glob.escape(target.name)}.*.tmp"
    return sorted(path for path in target.parent.glob(pattern) if path.is_dir() and _is_free(path))


def _is_free(folder: Path) -> bool:
    """Return whether nobody has locked a folder; False if this process may not open it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # removed meanwhile, or another user's
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def replace_folder(written: Path, target: Path) -> None:
    """Rename a folder over the target; an older target is removed, as it has the same content."""
    shutil.rmtree(target, ignore_errors=True)
    written.replace(target)
    _sync(target.parent, os.O_RDONLY)


@contextlib.contextmanager
def staged_texts(texts: Mapping[Path, str]) -> Iterator[dict[Path, Path]]:
    """Write each text to a temporary file, and yield the files by target.

    So everything that needs disk space is done before the first file is renamed.
    """
    with contextlib.ExitStack() as stack:
        files = {target: stack.enter_context(temporary(target)) for target in texts}
        for target, text in texts.items():
            files[target].write_text(text, encoding="utf-8")
        yield files


def _sync(path: Path, flags: int) -> None:
    """Make the operating system write the file or folder to the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
