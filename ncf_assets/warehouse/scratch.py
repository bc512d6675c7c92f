"""Give Spark's workers a place to leave rows for the driver: a shared folder or the object store.

The rows are written and read in `ncf_assets.warehouse.spark`.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.warehouse.files import temporary_folder
from ncf_assets.warehouse.object_store import ObjectStore
from ncf_assets.warehouse.paths import display_name


@dataclass(frozen=True)
class Scratch:
    """A new place: a folder of the driver, and its key in the store, if there is a store."""

    folder: Path
    store: ObjectStore | None = None
    key: str = ""

    @property
    def url(self) -> str:
        """The URL to which workers write."""
        return self.store.spark_url(self.key) if self.store else f"file://{self.folder}"

    def fetched(self) -> Path:
        """Return the folder with what the workers wrote."""
        if self.store:
            self.folder.mkdir()
            for entry in self.store.entries(self.key):
                self.store.download(entry.key, self.folder / entry.key.rpartition("/")[2])
        return self.folder


@contextmanager
def scratch(root: Path, dataset: str, store: ObjectStore | None) -> Iterator[Scratch]:
    """Yield a place for one result, and remove it at the end."""
    with temporary_folder(root / "tmp" / f"dataset={dataset}" / "spark") as folder:
        place = Scratch(folder, store, f"{_key(dataset)}{folder.name.strip('.')}/")
        try:
            yield place
        finally:
            if store:
                _remove(store, place.key)


def remove_orphaned(store: ObjectStore, dataset: str) -> None:
    """Remove what killed runs of this machine left of a dataset; the caller must hold its lock."""
    _remove(store, _key(dataset))


def _key(dataset: str) -> str:
    """Return the folder in the store of this machine's work on a dataset."""
    return f"tmp/{socket.gethostname()}/{display_name(dataset).replace(' ', '-')}/"


def _remove(store: ObjectStore, below: str) -> None:
    for entry in store.entries(below):
        store.remove(entry.key)
