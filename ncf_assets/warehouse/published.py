"""Where tables, models and reports are published: `Folder` on this machine, or an object store.

A file is named by the path that it has below the data folder, wherever it is. The same methods for
an object store are in `ncf_assets.warehouse.bucket`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import duckdb

from ncf_assets.sql_text import glob_escaped
from ncf_assets.warehouse import versions
from ncf_assets.warehouse.files import atomic_replace, remove, replace_folder

Version = Mapping[str, str]  # what distinguishes an object's content from the one before and after


class Published(Protocol):
    """What `Folder` and `Bucket` can do. The methods of `Bucket` may raise StoreError."""

    is_local: bool

    def name(self, path: Path) -> str:
        """Return what people call a file, or the folder of all files."""

    def seen(self, path: Path) -> Version | None:
        """Return what `replace` compares, to be asked before the work; None for no file."""

    def check(self, path: Path, seen: Version | None) -> None:
        """Raise ReplacedError if the file is no longer the one that was seen."""

    def find(self, path: Path) -> Path | None:
        """Return a file of this machine with the content; None if nothing is published."""

    def find_footer(self, path: Path) -> Path | None:
        """Return a file of this machine that ends with a Parquet file's schema and metadata."""

    def footers(self, pattern: str) -> dict[Path, Path]:
        """Return what `find_footer` does for all files of a pattern, by path, sorted."""

    def glob(self, pattern: str) -> list[Path]:
        """Return the files whose paths below the data folder match, sorted."""

    def size(self, folder: Path) -> int:
        """Return the bytes of all files in a folder."""

    def content_name(self, name: str, content: str) -> str:
        """Return the name in its folder of a file that a record names."""

    def put(self, written: Path, path: Path) -> None:
        """Publish a file that no reader looks for before a record names it."""

    def put_folder(self, written: Path, path: Path) -> None:
        """Publish a folder of a name that was free."""

    def replace(self, written: Path, path: Path, seen: Version | None) -> None:
        """Publish a file in place of the one that was seen, or raise ReplacedError."""

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder with all that is in it."""

    def keep(self, path: Path, folder: Path) -> None:
        """Keep a table's file in a folder of versions, before another takes its place."""

    def kept(self, folder: Path) -> list[Path]:
        """Return the files in a folder of `keep`, the newest first."""

    def prune_kept(self, folder: Path, kept: int) -> None:
        """Remove the oldest files in a folder of `keep` until `kept` are left."""

    def prune(self, path: Path, kept: int) -> None:
        """Remove the oldest versions next to a model until `kept` are left, but never the model."""

    def sql(self, pattern: str) -> str:
        """Return the path or URL pattern by which DuckDB reads files."""

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a connection read what `sql` returns."""

    def check_usable(self) -> None:
        """Raise StoreError, before any work, if it cannot be read and written."""


class Folder:
    """The data folder on this machine, or one that its file system shares with others."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self._root = root

    def name(self, path: Path) -> str:
        """Return its path."""
        return str(path)

    def seen(self, _: Path) -> None:
        """Return None: the lock of the dataset keeps other runs away."""

    def check(self, path: Path, seen: Version | None) -> None:
        """Accept every file, for the same reason."""

    def find(self, path: Path) -> Path | None:
        """Return the file itself."""
        return path if path.exists() else None

    find_footer = find

    def footers(self, pattern: str) -> dict[Path, Path]:
        """Return the files themselves."""
        return {file: file for file in self.glob(pattern)}

    def glob(self, pattern: str) -> list[Path]:
        """Return the files that match."""
        return sorted(self._root.glob(pattern))

    def size(self, folder: Path) -> int:
        """Return the bytes of all files but hidden ones."""
        return sum(file.stat().st_size for file in folder.rglob("[!.]*") if file.is_file())

    def content_name(self, name: str, _: str) -> str:
        """Return the name as it is, for people who open the file."""
        return name

    def put(self, written: Path, path: Path) -> None:
        """Rename the file."""
        atomic_replace(written, path)

    def put_folder(self, written: Path, path: Path) -> None:
        """Rename the folder."""
        path.parent.mkdir(exist_ok=True)
        replace_folder(written, path)

    def replace(self, written: Path, path: Path, _: Version | None) -> None:
        """Rename the file over the one before."""
        atomic_replace(written, path)

    def remove(self, path: Path) -> None:
        """Remove a file or folder."""
        remove(path)

    keep = staticmethod(versions.keep)
    kept = staticmethod(versions.kept_versions)
    prune_kept = staticmethod(versions.prune_kept)
    prune = staticmethod(versions.prune)

    def sql(self, pattern: str) -> str:
        """Return the path."""
        return f"{glob_escaped(self._root)}/{pattern}"

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Do nothing, as DuckDB reads files by itself."""

    def check_usable(self) -> None:
        """Do nothing: what the system refuses is explained where it does."""
