"""Build `warehouse.duckdb`: a commented view for each table, two views of provenance, and macros.

No run ever opens the file that people query. A new file is built next to it and renamed over it, so
open shells keep working. New datasets appear in them at once, as each view reads `*/*.parquet`. The
next refresh removes what somebody wrote into the file, and what an older shell left next to it. The
views are defined in `ncf_assets.warehouse.views`.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from ncf_assets import macros
from ncf_assets.hashing import hash_text
from ncf_assets.sql_text import literal
from ncf_assets.tables import tables, upstream
from ncf_assets.warehouse.files import atomic_replace
from ncf_assets.warehouse.published import Published
from ncf_assets.warehouse.views import View, views

STORAGE = "v1.2.0"  # the oldest DuckDB that can read the catalogue
LOCK_SECONDS = 60  # chosen: far longer than a refresh, which takes a second


def refresh(database: Path, published: Published) -> None:
    """Rebuild the catalogue if its views or the file itself have changed.

    Where there are only more of them, as after the first run of an asset, they are added to a copy.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    built_from = _built_from(database)
    new = database.with_suffix(".duckdb.new")
    with FileLock(database.with_suffix(".duckdb.lock"), timeout=LOCK_SECONDS), cleared(new):
        wanted = _definitions(views(published, database), "view")
        hashes = {name: hash_text("\n".join(parts)) for name, parts in wanted.items()}
        # a shell that wrote to an old catalogue leaves a log that would not fit this one
        log = database.with_name(database.name + ".wal")
        known = None if log.exists() else _known(database)
        if known == hashes:
            return
        if known is None or not known.items() <= hashes.items() or not _copied(database, new):
            known = {}
        built_from.unlink(missing_ok=True)
        more = {name: wanted[name] for name in wanted if name not in known}
        with _built(new, more, published):
            pass
        log.unlink(missing_ok=True)
        new.replace(database)
        note = {"storage": STORAGE, "identity": _identity(database), "definitions": hashes}
        built_from.write_text(json.dumps(note))


@contextlib.contextmanager
def cleared(new: Path) -> Iterator[None]:
    """Remove a half-built catalogue before the block, if a run was killed, and after the block."""
    files = (new, new.with_name(new.name + ".wal"))
    for path in files:
        path.unlink(missing_ok=True)
    try:
        yield
    finally:
        for path in files:
            path.unlink(missing_ok=True)


def rebuild(database: Path, published: Published) -> None:
    """Build the catalogue again, whatever is known of the old one."""
    _built_from(database).unlink(missing_ok=True)
    refresh(database, published)


def build_private(database: Path, published: Published) -> bool:
    """Build a catalogue of one's own, as for a shell; False if there is no table to show."""
    shown = views(published, database)
    if shown:
        with _built(database, _definitions(shown, "view"), published):
            pass
    return bool(shown)


def faults(database: Path, published: Published) -> list[str]:
    """Return how the catalogue differs from the tables that exist, each fault as a predicate."""
    wanted = {view.name for view in views(published)}
    if not database.exists():
        return ["is missing"] if wanted else []
    try:
        shown = _shown(database)
    except duckdb.Error as error:
        return [f"cannot be opened ({error})"]
    here = literal(database.resolve())
    if any(here not in sql for name, sql in shown.items() if name in tables()):
        found = ["shows the tables of another folder, or was made by another version"]
        gone = set()  # what follows from it is not said
    else:
        found = [f"has no view for table {name}" for name in sorted(wanted - shown.keys())]
        gone = shown.keys() & set(tables()) - wanted
    found += [f"shows table {name}, which has no files" for name in sorted(gone)]
    if database.with_suffix(".duckdb.new").exists():
        found.append("has a half-built copy next to it, which a killed run left")
    return found


def export(
    file: Path,
    folder: Path,
    published: Published,
    resources: Mapping[str, Any],
    only: Collection[str] | None = None,
) -> dict[str, int]:
    """Write a database with real tables instead of views; return the rows of each.

    With `only`, these tables alone are written, what their views read, and the macros that read no
    others. The database is written in `folder` first, then renamed to `file`.
    """
    shown = views(published)
    if only is not None:
        shown = _with_what_they_read(shown, only)
    path = folder / file.name
    definitions = _definitions(shown, "table")
    with _built(path, definitions, published, **resources) as connection:
        exported = {view.name: _count(connection, view.name) for view in shown}
    if exported:
        atomic_replace(path, file)
    return exported


def _with_what_they_read(every: list[View], only: Collection[str]) -> list[View]:
    """Return the views of these names, and those that they read, which come before them."""
    selects = {view.name: view.select for view in every}
    wanted = list(only)
    for name in wanted:  # it grows
        wanted += [read for read in upstream(selects[name]) if read in selects.keys() - {*wanted}]
    return [view for view in every if view.name in wanted]


def _definitions(shown: list[View], kind: str) -> dict[str, list[str]]:
    """Return the statements that create each view or table, then those of each macro over them."""
    found = {f"{kind} {view.name}": view.statements(kind) for view in shown}
    for macro in macros.over(view.name for view in shown):
        comment = f"comment on {macro.kind} {macro.name} is {literal(macro.description)}"
        found[f"{macro.kind} {macro.name}"] = [macro.create, comment]
    return found


def _built_from(database: Path) -> Path:
    """Return the file that notes from which definitions the catalogue was built."""
    return database.with_suffix(".duckdb.built-from")


def _known(database: Path) -> dict[str, str] | None:
    """Return the hash of each definition in the catalogue; None if that is not sure."""
    try:
        note: dict[str, Any] = json.loads(_built_from(database).read_text())
        same = (note["storage"], note["identity"]) == (STORAGE, _identity(database))
        return note["definitions"] if same else None
    except (OSError, ValueError, KeyError, TypeError):  # missing, or of another version
        return None


def _copied(database: Path, new: Path) -> bool:
    """Copy the catalogue; return whether nobody has written to it meanwhile."""
    before = _identity(database)
    shutil.copyfile(database, new)
    if _identity(database) == before:
        return True
    new.unlink()
    return False


def _shown(database: Path) -> dict[str, str]:
    """Return the views and their SQL, from a copy: a shell may have the catalogue open to write."""
    with tempfile.TemporaryDirectory(prefix="ncf-assets-") as folder:
        copy = shutil.copy(database, folder)
        with duckdb.connect(str(copy), read_only=True) as connection:
            named = "select view_name, sql from duckdb_views() where not internal"
            return dict(connection.execute(named).fetchall())


@contextlib.contextmanager
def _built(
    file: Path, definitions: Mapping[str, list[str]], published: Published, **config: Any
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build or extend a database and yield a connection to it; then it is on the disk."""
    with duckdb.connect(config=config) as connection:
        published.register(connection)
        connection.execute(f"attach {literal(file)} as built (storage_version '{STORAGE}')")
        connection.execute("use built")
        connection.execute("begin")  # else each of the hundreds of statements is synced to the disk
        for statement in chain.from_iterable(definitions.values()):
            connection.execute(statement)
        connection.execute("commit")
        yield connection
        connection.execute("use memory")
        connection.execute("detach built")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {table}").fetchone()
    return found[0] if found else 0


def _identity(database: Path) -> str:
    """Return which file it is, and when it was last written."""
    if not database.exists():
        return " missing"
    status = database.stat()
    return f" {status.st_ino} {status.st_size} {status.st_mtime_ns}"
