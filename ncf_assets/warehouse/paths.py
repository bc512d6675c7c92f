"""Find the data folder, and the path of everything in it.

Nothing here reads or writes a file; `ncf_assets.warehouse.warehouse` does.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.hashing import hash_text
from ncf_assets.tables import tables

FILE = "file://"
URL = re.compile(r"(s3|gs|az)://[\w.-]+(/[\w.-]+)*/?")
# takes the place of a dataset's name for a table of all datasets; no dataset can have this name
ALL_DATASETS = "*"
_PACKAGE = Path(__file__).resolve().parents[1]


def bundled(name: str) -> Path:
    """Return a file that comes with the package: `datasets.toml`, or a file below `sample/`.

    In a checkout it is in `data/`. A wheel has a copy in the package.
    """
    project = checkout()
    return (project / "data" if project else _PACKAGE / "resources") / name


def workspace_file() -> Path:
    """Return the workspace.yaml that comes with the package."""
    return (checkout() or _PACKAGE / "resources") / "workspace.yaml"


def checkout() -> Path | None:
    """Return the root of the repository that the package runs from; None if it is installed."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").exists() and (root / "data").is_dir() else None


def ui_command() -> str:
    """Return what starts the Dagster UI, in a checkout or in a project of one's own."""
    return "make ui" if checkout() else "ncf-assets ui"


def check_checkout() -> None:
    """Raise ValueError if the current folder is a checkout and the code that runs is another's.

    Or if the environment is that of a copied checkout, which has the code of the first.
    """
    folders = {"current folder": Path.cwd(), "environment's folder": Path(sys.prefix).parent}
    for what, here in folders.items():
        code = here / "ncf_assets"
        if not ((here / "pyproject.toml").exists() and (code / "__init__.py").exists()):
            continue
        if code.resolve() != _PACKAGE:
            raise ValueError(
                f"the code that runs is in {_PACKAGE.parent}, and the {what} {here} is another"
                f" checkout. Run `make` in {here} and use its .venv, or change to another folder."
            )


def data_dir() -> Path:
    """Return the data folder: the first of these that applies.

    These are the folder that NCF_DATA_DIR names; `data` in the current folder, if it has a
    `datasets.toml`; `data` of the checkout; and the user's folder for application data. Raise
    ValueError for a path with `=`, which DuckDB would read as a partition's column. Where
    NCF_DATA_DIR names an object store, it is the folder for everything else on this machine: what
    NCF_WORK_DIR names, or one in the user's folder for application data.
    """
    if url := data_url():
        named = f"{re.sub(r'[^0-9A-Za-z]+', '-', url)}-{hash_text(url)}"
        text = os.environ.get("NCF_WORK_DIR") or str(_user_dir() / named)
    else:
        text = (os.environ.get("NCF_DATA_DIR") or str(_default_data_dir())).removeprefix(FILE)
    found = Path(text).expanduser().resolve()
    if wrong := [part for part in found.parts if "=" in part]:
        raise ValueError(
            f"no folder above the data may have = in its name, found {wrong[0]!r} in {found}."
            " Name another folder with NCF_DATA_DIR."
        )
    return found


def data_url() -> str | None:
    """Return the URL of the object store that NCF_DATA_DIR names; None if it names a folder.

    Raise ValueError for a URL that cannot be used.
    """
    text = os.environ.get("NCF_DATA_DIR") or ""
    if "://" not in text or text.startswith(f"{FILE}/"):
        return None
    if not URL.fullmatch(text):
        raise ValueError(
            "NCF_DATA_DIR must be a folder, or a URL such as s3://bucket/folder, gs://bucket/folder"
            f" or az://container/folder, found {text!r}. Correct it."
        )
    return text.rstrip("/")


def _default_data_dir() -> Path:
    here = Path("data")
    if (here / "datasets.toml").exists():
        return here
    if project := checkout():
        return project / "data"
    return _user_dir()


def _user_dir() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "ncf-assets"


def display_name(dataset: str) -> str:
    """Return the name of a dataset for people and file systems; a dataset's own has no space."""
    return "a table of all datasets" if dataset == ALL_DATASETS else dataset


@dataclass(frozen=True)
class Paths:
    """The paths below one data folder."""

    root: Path

    @property
    def registry(self) -> Path:
        """`datasets.toml` of this data folder, or else the one that comes with the package."""
        own = self.root / "datasets.toml"
        return own if own.exists() else bundled("datasets.toml")

    @property
    def raw(self) -> Path:
        """The folder to which source files are downloaded, and in which they are searched."""
        return self.root / "raw"

    @property
    def database(self) -> Path:
        """The DuckDB catalogue, which has only views: see `ncf_assets.warehouse.catalogue`."""
        return self.root / "warehouse.duckdb"

    def folder(self, asset: str, dataset: str) -> Path:
        """Return the folder of one asset's partition."""
        if asset in tables() and tables()[asset].is_global:
            return self.root / "tables" / asset
        if asset in tables():
            return self.root / "tables" / asset / f"dataset={dataset}"
        if asset.endswith("_model"):
            return self.root / "models" / asset / f"dataset={dataset}"
        if asset == "evaluation_report":
            return self.root / "reports" / f"dataset={dataset}"
        raise KeyError(f"{asset} is no table, model or report. Correct the name.")

    def file(self, asset: str, dataset: str) -> Path:
        """Return the partition's file: a Parquet file, or the JSON record of a model or report.

        The partition exists if this file does.
        """
        names = {"tables": "data.parquet", "models": "model.json", "reports": "report.json"}
        folder = self.folder(asset, dataset)
        return folder / names[folder.relative_to(self.root).parts[0]]

    def previous(self, table: str, dataset: str) -> Path:
        """Return the folder of a table's versions before the current one.

        It is not below `tables/`, where programs read whole folders of Parquet files.
        """
        return self.root / "previous" / table / f"dataset={dataset}"

    def outside(self, dataset: str) -> Path:
        """Return the folder of the accepted scores by models from outside, a file for each."""
        return self.root / "outside" / f"dataset={dataset}"

    def saved_models(self, asset: str, dataset: str) -> Path:
        """Return the folder of SavedModels, which have numbers for names, as TF Serving asks."""
        return self.folder(asset, dataset) / "saved_model"

    def tensorboard(self, asset: str, dataset: str) -> Path:
        """Return the folder of the event files of a model's training."""
        return self.folder(asset, dataset) / "tensorboard"

    def checkpoint(self, asset: str, dataset: str) -> Path:
        """Return the file with the state of a training that runs."""
        return self.folder(asset, dataset) / "checkpoint.npz"
