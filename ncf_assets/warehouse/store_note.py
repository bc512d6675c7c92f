"""What is noted in a data folder that follows an object store."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ncf_assets.warehouse.files import put_in_place, remove, written
from ncf_assets.warehouse.store import StoreError

NOTE = ".store.json"
Copied = tuple[str, int, int]  # an object's ETag; size and mtime in ns of the file with its copy


@dataclass
class Note:
    """Which store a data folder follows, and which of its files are copies of which objects."""

    url: str
    identity: str
    files: dict[str, Copied] = field(default_factory=dict)

    def write(self, root: Path) -> None:
        """Replace the note, and sweep away what a process left that was killed in here."""
        for left in root.glob(f".{NOTE}.*.tmp"):
            remove(left)
        with written({root / NOTE: json.dumps(asdict(self))}) as files:
            put_in_place(files)


def read_note(root: Path) -> Note | None:
    """The note of a data folder; None if it has none. Raises StoreError for a damaged one."""
    file = root / NOTE
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        files = {key: (etag, size, time) for key, (etag, size, time) in found["files"].items()}
        return Note(found["url"], found["identity"], files)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{file} is damaged; name an empty folder with NCF_DATA_DIR, or remove {root}"
        ) from error
