"""How many versions of a model stay in its folder, and which go.

Where a model lies, and what makes a version the current one, is `ncf_assets.warehouse`'s.
"""

import os
from pathlib import Path

from ncf_assets.warehouse.files import remove

MODELS_KEPT = 2  # ours: the current one, and the one that a reader may just have opened


def models_kept() -> int:
    """How many versions of a model stay: NCF_MODELS_KEPT, else 2. ValueError unless 1 or more."""
    text = os.environ.get("NCF_MODELS_KEPT") or str(MODELS_KEPT)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            f"NCF_MODELS_KEPT must be a whole number from 1, found {text!r}; correct it, or unset"
            f" it to keep {MODELS_KEPT}"
        )
    return int(text)


def prune(current: Path, kept: int) -> None:
    """Remove the oldest versions beside `current` until `kept` are left, never `current`."""
    versions = current.parent.glob(f"[!.]*{current.suffix}")
    older = [version for version in versions if version != current]
    older.sort(key=_age, reverse=True)
    for version in older[kept - 1 :]:
        remove(version)


def _age(version: Path) -> int:
    """When a version was written: a folder, when its newest file was."""
    files = [path for path in (version, *version.rglob("*")) if path.is_file()]
    return max((path.stat().st_mtime_ns for path in files), default=0)
