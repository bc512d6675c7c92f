"""Where Spark's workers leave rows for the driver: a folder that all see, or the object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.warehouse.files import temporary_folder
from ncf_assets.warehouse.layout import spoken
from ncf_assets.warehouse.store import Store


@dataclass(frozen=True)
class Scratch:
    """A new place: a folder of the driver's, and its key in the store if there is one."""

    folder: Path
    store: Store | None = None
    key: str = ""

    @property
    def url(self) -> str:
        """Where workers write to."""
        return self.store.spark_url(self.key) if self.store else f"file://{self.folder}"

    def fetched(self) -> Path:
        """The folder, with what the workers wrote in it."""
        if self.store:
            self.folder.mkdir()
            for key in self.store.entries(self.key):
                self.store.download(key, self.folder / key.rpartition("/")[2])
        return self.folder


@contextmanager
def scratch(root: Path, dataset: str, store: Store | None) -> Iterator[Scratch]:
    """A place for one result, gone at the end."""
    with temporary_folder(root / "tmp" / f"dataset={dataset}" / "spark") as folder:
        place = Scratch(folder, store, f"{_key(dataset)}{folder.name.strip('.')}/")
        try:
            yield place
        finally:
            if store:
                _remove(store, place.key)


def sweep(store: Store, dataset: str) -> None:
    """Remove what killed runs left there, for who has claimed the dataset."""
    _remove(store, _key(dataset))


def _key(dataset: str) -> str:
    return f"tmp/{spoken(dataset).replace(' ', '-')}/"


def _remove(store: Store, below: str) -> None:
    for key in store.entries(below):
        store.remove(key)
