"""Decide how many versions of a model stay in its folder, and remove the others.

Where a model is, and which version is the current one, is in `ncf_assets.warehouse.warehouse`.
"""

import os
from pathlib import Path

from ncf_assets.warehouse.files import remove

MODEL_VERSIONS = 2  # chosen: the current one, and one that a reader may just have opened


def model_versions() -> int:
    """Return how many versions of a model stay: NCF_MODEL_VERSIONS, or else 2.

    Raise ValueError unless the variable is a whole number from 1.
    """
    text = os.environ.get("NCF_MODEL_VERSIONS") or str(MODEL_VERSIONS)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"NCF_MODEL_VERSIONS must be a whole number from 1, found {text!r}. Correct it, or"
            f" unset it to keep {MODEL_VERSIONS}."
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
