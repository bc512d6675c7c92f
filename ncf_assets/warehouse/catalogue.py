"""`warehouse.duckdb`: a commented view for each table over its Parquet files, and table macros.

No run ever opens the file that people query. It is rebuilt beside and renamed over the old one, so
open shells keep working; new datasets appear in them at once, as each view reads `*/*.parquet`.
What somebody writes into it, or an older shell leaves beside it, is swept away by the next refresh.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from ncf_assets.tables import Table, tables
from ncf_assets.warehouse import macros
from ncf_assets.warehouse.files import glob_escaped, replace, temporary

STORAGE = "v1.2.0"  # the oldest DuckDB that can read the catalogue
LOCK_SECONDS = 60  # for what takes a second; ours


def refresh(database: Path, folder: Path) -> None:
    """Rebuild the catalogue if tables, their headers, or the file itself have changed."""
    database.parent.mkdir(parents=True, exist_ok=True)
    built_from = database.with_suffix(".duckdb.built-from")
    new = database.with_suffix(".duckdb.new")
    with FileLock(database.with_suffix(".duckdb.lock"), timeout=LOCK_SECONDS), swept(new):
        present = _present(folder)
        wanted = _fingerprint(folder, present)
        # a shell that wrote to an old catalogue leaves a log that does not belong to this one
        log = database.with_name(database.name + ".wal")
        unchanged = built_from.exists() and built_from.read_text() == wanted + _identity(database)
        if unchanged and not log.exists():
            return
        built_from.unlink(missing_ok=True)
        _build(new, folder, present)
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


def export(file: Path, folder: Path, resources: Mapping[str, Any]) -> dict[str, int]:
    """Write a database with real tables in place of views; the rows of each table."""
    exported = {}
    with temporary(file) as path, duckdb.connect(config=dict(resources)) as connection:
        connection.execute(f"attach {_literal(path)} as exported (storage_version '{STORAGE}')")
        connection.execute("use exported")
        for table in _present(folder):
            create, *comments = _view(table, folder)
            connection.execute(create.replace("create view", "create table", 1))
            for comment in comments:
                connection.execute(comment.replace("comment on view", "comment on table", 1))
            counted = connection.execute(f"select count(*) from {table.name}").fetchone()
            exported[table.name] = counted[0] if counted else 0
        _create_macros(connection, exported)
        connection.execute("use memory")
        connection.execute("detach exported")
        if exported:
            replace(path, file)
    return exported


def _present(folder: Path) -> list[Table]:
    """The tables of which at least one dataset is materialized."""
    return [
        table for table in tables().values() if any(folder.glob(f"{table.name}/*/data.parquet"))
    ]


def _identity(database: Path) -> str:
    """Which file it is, and when it was last written."""
    if not database.exists():
        return " missing"
    facts = database.stat()
    return f" {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"


def _fingerprint(folder: Path, present: list[Table]) -> str:
    """What the catalogue depends on: where the files are, and the headers of the tables."""
    parts = [str(folder), STORAGE, *(f"{table.name} {table.text}" for table in present)]
    parts += [macro.create + macro.description for macro in macros.macros()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _build(file: Path, folder: Path, present: list[Table]) -> None:
    """Write a new catalogue with one view for each table."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {_literal(file)} as catalogue (storage_version '{STORAGE}')")
        connection.execute("use catalogue")
        for table in present:
            for statement in _view(table, folder):
                connection.execute(statement)
        _create_macros(connection, [table.name for table in present])


def _view(table: Table, folder: Path) -> list[str]:
    """The statements that create one table's view with its comments."""
    files = _literal(f"{glob_escaped(folder / table.name)}/*/data.parquet")
    columns = ", ".join(column.name for column in table.columns)
    comments = [
        f"comment on column {table.name}.{column.name} is {_literal(column.description)}"
        for column in table.columns
    ]
    return [
        f"create view {table.name} as select dataset, {columns} from"
        f" read_parquet({files}, hive_partitioning = true, hive_types = {{'dataset': varchar}})",
        f"comment on view {table.name} is {_literal(f'{table.description} Grain: {table.grain}.')}",
        f"comment on column {table.name}.dataset is 'the dataset, as in datasets.toml'",
        *comments,
    ]


def _create_macros(connection: duckdb.DuckDBPyConnection, present: Iterable[str]) -> None:
    for macro in macros.over(present):
        connection.execute(macro.create)
        connection.execute(f"comment on macro table {macro.name} is {_literal(macro.description)}")


def _literal(text: object) -> str:
    """An SQL string literal; views and comments take no prepared parameters."""
    return "'" + str(text).replace("'", "''") + "'"
