"""Decide how many versions of a model or a table stay, keep the one before, and remove the others.

Where a model or table is, and which version is the current one, is in
`ncf_assets.warehouse.warehouse`.
"""

import contextlib
import os
import shutil
from pathlib import Path

from ncf_assets.warehouse.files import atomic_replace, remove, temporary

MODEL_VERSIONS = 2  # chosen: the current one, and one that a reader may just have opened
TABLE_VERSIONS = 2  # chosen: the current one, and the one that `ncf-assets diff` compares it with


def model_versions() -> int:
    """Return how many versions of a model stay: NCF_MODEL_VERSIONS, or else 2.

    Raise ValueError unless the variable is a whole number from 1.
    """
    return _number("NCF_MODEL_VERSIONS", MODEL_VERSIONS)


def table_versions() -> int:
    """Return how many versions of a table stay: NCF_TABLE_VERSIONS, or else 2.

    Raise ValueError unless the variable is a whole number from 1.
    """
    return _number("NCF_TABLE_VERSIONS", TABLE_VERSIONS)


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"{variable} must be a whole number from 1, found {text!r}. Correct it, or"
            f" unset it to keep {default}."
        )
    return int(text)


def prune(current: Path, kept: int) -> None:
    """Remove the oldest versions next to `current` until `kept` are left, but never `current`."""
    versions = current.parent.glob(f"[!.]*{current.suffix}")
    older = [version for version in versions if version != current]
    older.sort(key=_age, reverse=True)
    for version in older[kept - 1 :]:
        remove(version)


def _age(version: Path) -> int:
    """Return when a version was written; a folder was written when its newest file was."""
    files = [path for path in (version, *version.rglob("*")) if path.is_file()]
    return max((path.stat().st_mtime_ns for path in files), default=0)


def keep(current: Path, folder: Path) -> None:
    """Give a table's file a second name in `folder`, before another file takes the first.

    The names are numbers, of which the highest is the version before. A kill after this leaves the
    current file with two names, and the next call finds it kept.
    """
    newest = kept_versions(folder)[:1]
    if not current.exists() or (newest and newest[0].samefile(current)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    number = int(newest[0].stem) + 1 if newest else 1
    name = folder / f"{number}{current.suffix}"
    try:
        name.hardlink_to(current)
    except OSError:  # this file system has no second names, or `folder` is on another one
        with temporary(name) as copy:
            shutil.copyfile(current, copy)
            atomic_replace(copy, name)


def prune_kept(folder: Path, kept: int) -> None:
    """Remove the oldest versions in a folder of `keep` until `kept` are left."""
    for version in kept_versions(folder)[kept:]:
        remove(version)
    with contextlib.suppress(OSError):  # it is not empty, or not there
        folder.rmdir()


def kept_versions(folder: Path) -> list[Path]:
    """Return the versions in a folder of `keep`, the newest first."""
    found = [path for path in folder.glob("*.parquet") if path.stem.isdecimal()]
    return sorted(found, key=lambda path: int(path.stem), reverse=True)
