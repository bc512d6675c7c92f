"""Where everything lies below one data folder.

Reading and replacing it is `Warehouse`'s part.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.tables import tables

EVERY = "*"  # in place of a dataset's name, for a table of all datasets; no dataset can have it
PROJECT_DATA = Path(__file__).resolve().parents[2] / "data"


def data_dir() -> Path:
    """The folder that `NCF_DATA_DIR` names, else `data/` of the project.

    ValueError for a URL, and for a folder that DuckDB would read as partitions, and their names as
    columns.
    """
    text = os.environ.get("NCF_DATA_DIR") or ""
    if "://" in text:
        raise ValueError(
            f"NCF_DATA_DIR must be a folder of this machine, found {text!r}; name an object store"
            " with NCF_STORE"
        )
    found = Path(text or PROJECT_DATA).expanduser().resolve()
    if wrong := [part for part in found.parts if "=" in part]:
        raise ValueError(
            f"no folder above the data may have = in its name, found {wrong[0]!r} in {found};"
            " name another folder with NCF_DATA_DIR"
        )
    return found


def spoken(dataset: str) -> str:
    """For people and file systems; no dataset's name has a space."""
    return "a table of all datasets" if dataset == EVERY else dataset


@dataclass(frozen=True)
class Layout:
    """The paths below a data folder."""

    root: Path

    @property
    def registry(self) -> Path:
        """datasets.toml of this data folder, else the project's own."""
        own = self.root / "datasets.toml"
        return own if own.exists() else PROJECT_DATA / "datasets.toml"

    @property
    def raw(self) -> Path:
        """Where source files are looked for, and downloaded to."""
        return self.root / "raw"

    @property
    def database(self) -> Path:
        """The DuckDB catalogue: views only, see `catalogue`."""
        return self.root / "warehouse.duckdb"

    @property
    def tables_folder(self) -> Path:
        """What the catalogue shows: a folder for each table."""
        return self.root / "tables"

    def folder(self, asset: str, dataset: str) -> Path:
        """The folder of one asset's partition."""
        if asset in tables() and tables()[asset].spans_datasets:
            return self.root / "tables" / asset
        if asset in tables():
            return self.tables_folder / asset / f"dataset={dataset}"
        if asset.endswith("_model"):
            return self.root / "models" / asset / f"dataset={dataset}"
        return self.root / "reports" / f"dataset={dataset}"

    def file(self, asset: str, dataset: str) -> Path:
        """The file whose presence means that the partition exists: Parquet, or a JSON record."""
        names = {"tables": "data.parquet", "models": "model.json", "reports": "report.json"}
        folder = self.folder(asset, dataset)
        return folder / names[folder.relative_to(self.root).parts[0]]

    def saved_model_name(self, asset: str, content: str) -> str:
        """The SavedModel's folder beside model.json."""
        return f"{asset.removesuffix('_model')}-{content}.saved_model"

    def tensorboard(self, asset: str, dataset: str) -> Path:
        """Where the event files of a model's training are."""
        return self.folder(asset, dataset) / "tensorboard"

    def checkpoint(self, asset: str, dataset: str) -> Path:
        """Where a training's progress is kept while it runs."""
        return self.folder(asset, dataset) / "checkpoint.npz"
