"""`warehouse.duckdb`: a commented view for each table, `lineage`, and table macros.

No run ever opens the file that people query. It is rebuilt beside and renamed over the old one, so
open shells keep working; new datasets appear in them at once, as each view reads `*/*.parquet`.
What the views are is `ncf_assets.warehouse.views`.
What somebody writes into it, or an older shell leaves beside it, is swept away by the next refresh.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from ncf_assets.tables import tables
from ncf_assets.warehouse import macros
from ncf_assets.warehouse.files import replace
from ncf_assets.warehouse.views import View, literal, views

STORAGE = "v1.2.0"  # the oldest DuckDB that can read the catalogue
LOCK_SECONDS = 60  # for what takes a second; ours


def refresh(database: Path, root: Path) -> None:
    """Rebuild the catalogue if its views or the file itself have changed."""
    database.parent.mkdir(parents=True, exist_ok=True)
    built_from = _built_from(database)
    new = database.with_suffix(".duckdb.new")
    with FileLock(database.with_suffix(".duckdb.lock"), timeout=LOCK_SECONDS), swept(new):
        statements = _statements(views(root), "view")
        wanted = hashlib.sha256("\n".join([STORAGE, *statements]).encode()).hexdigest()
        # a shell that wrote to an old catalogue leaves a log that does not belong to this one
        log = database.with_name(database.name + ".wal")
        unchanged = built_from.exists() and built_from.read_text() == wanted + _identity(database)
        if unchanged and not log.exists():
            return
        built_from.unlink(missing_ok=True)
        with _built(new, statements):
            pass
        log.unlink(missing_ok=True)
        new.replace(database)
        built_from.write_text(wanted + _identity(database))


@contextlib.contextmanager
def swept(new: Path) -> Iterator[None]:
    """Remove what a killed run left of a new catalogue, and afterwards what a failed one did."""
    left = (new, new.with_name(new.name + ".wal"))
    for path in left:
        path.unlink(missing_ok=True)
    try:
        yield
    finally:
        for path in left:
            path.unlink(missing_ok=True)


def rebuild(database: Path, root: Path) -> None:
    """Build the catalogue anew, whatever is known of the old one."""
    _built_from(database).unlink(missing_ok=True)
    refresh(database, root)


def faults(database: Path, root: Path) -> list[str]:
    """In what the catalogue does not show the tables that there are."""
    wanted = {view.name for view in views(root)}
    if not database.exists():
        return ["is missing"] if wanted else []
    try:
        shown = _shown(database)
    except duckdb.Error as error:
        return [f"cannot be opened ({error})"]
    found = [f"has no view for table {name}" for name in sorted(wanted - shown)]
    gone = shown & set(tables()) - wanted
    found += [f"shows table {name}, of which there are no files" for name in sorted(gone)]
    if database.with_suffix(".duckdb.new").exists():
        found.append("has a half-built one beside it, which a killed run left")
    return found


def export(file: Path, folder: Path, root: Path, resources: Mapping[str, Any]) -> dict[str, int]:
    """Write a database with real tables in place of views, in a folder first; the rows of each."""
    shown, path = views(root), folder / file.name
    with _built(path, _statements(shown, "table"), **resources) as connection:
        exported = {view.name: _count(connection, view.name) for view in shown}
    if exported:
        replace(path, file)
    return exported


def _statements(shown: list[View], kind: str) -> list[str]:
    """What fills a database: views or tables, then the macros over those that there are."""
    found = [statement for view in shown for statement in view.statements(kind)]
    for macro in macros.over(view.name for view in shown):
        comment = f"comment on macro table {macro.name} is {literal(macro.description)}"
        found += [macro.create, comment]
    return found


def _built_from(database: Path) -> Path:
    """Where it is noted from which tables the catalogue was built."""
    return database.with_suffix(".duckdb.built-from")


def _shown(database: Path) -> set[str]:
    """The names of the views. A copy is read: whoever has the catalogue open may write to it."""
    with tempfile.TemporaryDirectory(prefix="ncf-assets-") as folder:
        copy = shutil.copy(database, folder)
        with duckdb.connect(str(copy), read_only=True) as connection:
            named = "select view_name from duckdb_views() where not internal"
            return {name for (name,) in connection.execute(named).fetchall()}


@contextlib.contextmanager
def _built(file: Path, statements: list[str], **config: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database, filled and still open; whole on the disk after the block."""
    with duckdb.connect(config=config) as connection:
        connection.execute(f"attach {literal(file)} as built (storage_version '{STORAGE}')")
        connection.execute("use built")
        for statement in statements:
            connection.execute(statement)
        yield connection
        connection.execute("use memory")
        connection.execute("detach built")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return found[0] if found else 0


def _identity(database: Path) -> str:
    """Which file it is, and when it was last written."""
    if not database.exists():
        return " missing"
    facts = database.stat()
    return f" {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
