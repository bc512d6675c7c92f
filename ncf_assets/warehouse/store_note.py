"""Read and write the note of a data folder that follows an object store.

The note is used in `ncf_assets.warehouse.working_copy`.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ncf_assets.warehouse.files import commit, remove, staged_texts
from ncf_assets.warehouse.store import StoreError

NOTE = ".store.json"
Copied = tuple[str, int, int]  # an object's ETag; size and mtime in ns of the file with its copy


@dataclass
class Note:
    """The store that a data folder follows, and which of its files are copies of which objects."""

    url: str
    identity: str
    files: dict[str, Copied] = field(default_factory=dict)

    def write(self, root: Path) -> None:
        """Replace the note, and remove what a process left that was killed while writing it."""
        for orphaned in root.glob(f".{NOTE}.*.tmp"):
            remove(orphaned)
        with staged_texts({root / NOTE: json.dumps(asdict(self))}) as files:
            commit(files)


def read_note(root: Path) -> Note | None:
    """Return the note of a data folder; None if it has none. Raise StoreError if it is damaged."""
    file = root / NOTE
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        files = {key: (etag, size, time) for key, (etag, size, time) in found["files"].items()}
        return Note(found["url"], found["identity"], files)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{file} is damaged. Name an empty folder with NCF_DATA_DIR, or remove {root}."
        ) from error
