"""The warehouse: the only place that publishes to the paths below `data/`, which are `layout`'s.

Tables are Parquet files, one for each table and dataset, replaced whole; models and reports are
files beside a JSON record. `catalogue` shows the tables in DuckDB, `parquet` writes them, `stamp`
is what each carries about its origin. How a table is made, and which Dagster asset does it, is
`ncf_assets.assets`.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ncf_assets.tables import tables
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.files import (
    held_folder,
    put_in_place,
    replace,
    replace_folder,
    temporary,
    temporary_folder,
    written,
)
from ncf_assets.warehouse.layout import EVERY, PROJECT_DATA, data_dir, spoken
from ncf_assets.warehouse.memory import export_spill, memory_limit
from ncf_assets.warehouse.models import MODELS_KEPT, models_kept, prune
from ncf_assets.warehouse.parquet import DamagedError, Draft
from ncf_assets.warehouse.partitions import NotMaterializedError
from ncf_assets.warehouse.queries import Queries
from ncf_assets.warehouse.stamp import Stamp
from ncf_assets.warehouse.store import Store
from ncf_assets.warehouse.store_note import read_note
from ncf_assets.warehouse.working_copy import OnNew, Wanted, WorkingCopy

__all__ = [
    "EVERY",
    "PROJECT_DATA",
    "DamagedError",
    "Draft",
    "NotMaterializedError",
    "Stamp",
    "Warehouse",
    "data_dir",
    "models_kept",
    "spoken",
]


def as_text(record: Mapping[str, Any]) -> str:
    """A record as the JSON that people read."""
    return json.dumps(record, indent=2) + "\n"


@dataclass(frozen=True)
class Warehouse(Queries):
    """Everything below one data folder; of each model, `models_kept` versions.

    With `store` the folder follows an object store: who claims a dataset has what is there, and
    what is published is put there.
    """

    models_kept: int = MODELS_KEPT

    @classmethod
    def of_environment(cls) -> Self:
        """As the environment variables say. ValueError for one that makes no sense."""
        store = Store.of_environment()
        if store is None and (note := read_note(data_dir())):
            raise ValueError(
                f"{data_dir()} follows {note.url}, and NCF_STORE is not set; set it, or name"
                " another folder with NCF_DATA_DIR"
            )
        return cls(data_dir(), store=store, memory_limit=memory_limit(), models_kept=models_kept())

    @property
    def name(self) -> str:
        """The same on all machines that share it."""
        return self.store.url if self.store else str(self.root)

    @contextlib.contextmanager
    def draft(self, table: str, dataset: str) -> Iterator[Draft]:
        """A table's partition being written beside the one in place; gone unless published."""
        target = self.file(table, dataset)
        with temporary(target) as path:
            draft = Draft(tables()[table], target, path)
            try:
                yield draft
            finally:
                draft.close()

    @contextlib.contextmanager
    def unsaved_model(self, asset: str, dataset: str, suffix: str = ".keras") -> Iterator[Path]:
        """A path to save a model to, which `publish_model` takes over."""
        with temporary(self.file(asset, dataset), suffix) as path:
            yield path

    def publish_model(
        self, asset: str, dataset: str, saved: Path, stamp: Stamp, facts: Mapping[str, Any]
    ) -> Path:
        """Put a saved model file in place, then the model.json that names it.

        The file's name holds its content hash, so the model in place stays whole until the record
        is replaced; the oldest files are then removed.
        """
        folder = self.folder(asset, dataset)
        file = folder / f"{asset.removesuffix('_model')}-{stamp.content}{saved.suffix}"
        record = {"file": file.name, **facts, "stamp": stamp.to_json()}
        with written({self.file(asset, dataset): as_text(record)}) as records:
            replace(saved, file)
            put_in_place(records)
        prune(file, self.models_kept)
        if "saved_model" in facts:
            prune(folder / facts["saved_model"], self.models_kept)
        self.share(asset, dataset)
        return file

    @contextlib.contextmanager
    def saved_model(self, asset: str, dataset: str, content: str) -> Iterator[Path]:
        """A folder for a SavedModel to be written to; put in place when the block ends well.

        The record that `publish_model` is given names it.
        """
        target = self.folder(asset, dataset) / self.saved_model_name(asset, content)
        with temporary_folder(target) as folder:
            yield folder
            replace_folder(folder, target)

    def write_checkpoint(self, asset: str, dataset: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace a training's progress: named arrays, without Python objects in them."""
        target = self.checkpoint(asset, dataset)
        with temporary(target, ".npz") as path:
            np.savez(path, allow_pickle=False, **arrays)
            replace(path, target)

    def publish_record(self, asset: str, dataset: str, record: Mapping[str, Any]) -> None:
        """Replace the JSON record: from now on the partition is what it names."""
        with written({self.file(asset, dataset): as_text(record)}) as records:
            put_in_place(records)
        self.share(asset, dataset)

    def publish_texts(
        self, asset: str, dataset: str, texts: Mapping[str, str], record: Mapping[str, Any]
    ) -> None:
        """Replace text files in the partition's folder, by name, then the record that names them.

        A full disk leaves all as they were. A kill may leave new ones beside an old record.
        """
        folder = self.folder(asset, dataset)
        targets = {folder / name: text for name, text in texts.items()}
        with written(targets | {self.file(asset, dataset): as_text(record)}) as files:
            put_in_place(files)
        self.share(asset, dataset)

    def join_store(self) -> None:
        """Have this folder follow the store, if there is one, from the first time on."""
        if self.store:
            WorkingCopy(self.root, self.store).join()

    def follow(self, wanted: Wanted, on_new: OnNew = lambda *_: None) -> None:
        """Have the partitions of those datasets as they are in the store, if there is one."""
        if self.store and WorkingCopy(self.root, self.store).fetch(wanted, on_new):
            self.refresh_catalogue()

    def share(self, asset: str, dataset: str) -> None:
        """Put a partition that was just published into the store, if there is one."""
        if self.store:
            folder = self.folder(asset, dataset)
            WorkingCopy(self.root, self.store).put(folder, spoken(dataset))

    def refresh_catalogue(self) -> None:
        """Rebuild the catalogue if a table has appeared or its definition has changed."""
        catalogue.refresh(self.database, self.root)

    def export(self, file: Path) -> dict[str, int]:
        """Write all tables into one self-contained DuckDB file; the rows of each."""
        with (
            held_folder(file) as half,
            held_folder(export_spill(self.root) or half / "spill") as spill,
        ):
            return catalogue.export(file, half, self.root, self._resources(spill))
