"""Replacing one file whole: written beside under a hidden name, synced, renamed over."""

import contextlib
import fcntl
import glob
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.\w+")  # as `temporary` names them


@contextlib.contextmanager
def temporary(target: Path, suffix: str = ".tmp") -> Iterator[Path]:
    """A hidden name beside the target, out of reach of `*.parquet`; removed at the end if left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}{suffix}")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def temporaries(folder: Path) -> list[Path]:
    """The files and folders in a folder that `temporary` named."""
    return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]


def remove(path: Path) -> None:
    """A file or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replace(written: Path, target: Path) -> None:
    """Rename over the target so that a power cut leaves the old file or the new one whole."""
    _sync(written, os.O_RDWR)
    written.replace(target)
    _sync(target.parent, os.O_RDONLY)


@contextlib.contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """A hidden name for a folder beside the target; removed at the end if left."""
    with temporary(target) as path:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def held_folder(target: Path) -> Iterator[Path]:
    """A folder of a hidden name beside the target, held until it is removed at the end.

    What processes that were killed have left there for the same target is removed first.
    """
    for left in abandoned(target):
        shutil.rmtree(left, ignore_errors=True)  # by several at once
    with temporary_folder(target) as path:
        (new := path.with_suffix(".new")).mkdir()
        descriptor = os.open(new, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # the kernel lets go of it when we die
            new.rename(path)  # not before it is held: nobody is to take it for abandoned
            yield path
        finally:
            os.close(descriptor)


def abandoned(target: Path) -> list[Path]:
    """The folders of `held_folder` for a target whose process is gone."""
    pattern = f".{glob.escape(target.name)}.*.tmp"
    return sorted(path for path in target.parent.glob(pattern) if path.is_dir() and _is_free(path))


def _is_free(folder: Path) -> bool:
    """Whether nobody holds a folder, and we may look."""
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
    """Rename over the target; a target of the same name has the same content, and makes room."""
    shutil.rmtree(target, ignore_errors=True)
    written.replace(target)
    _sync(target.parent, os.O_RDONLY)


@contextlib.contextmanager
def written(texts: Mapping[Path, str]) -> Iterator[dict[Path, Path]]:
    """Each text in a temporary file, by its target: what wants space is done before the renames."""
    with contextlib.ExitStack() as stack:
        files = {target: stack.enter_context(temporary(target)) for target in texts}
        for target, text in texts.items():
            files[target].write_text(text, encoding="utf-8")
        yield files


def put_in_place(files: Mapping[Path, Path]) -> None:
    """Rename written files over their targets, in this order."""
    for target, path in files.items():
        replace(path, target)


def glob_escaped(path: Path) -> str:
    """The path as DuckDB's `read_parquet` takes it: a name with * ? or [ stands for itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _sync(path: Path, flags: int) -> None:
    """Have the operating system write the file or folder to the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
