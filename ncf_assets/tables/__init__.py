"""Read the tables: each has a file `<table>.sql` with a header and, if SQL makes it, one select.

This package reads headers and selects, with `ncf_assets.sql_files`. It runs no SQL;
`ncf_assets.warehouse` does. The assets, and how a table without a select is made, are in
`ncf_assets.assets`.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ncf_assets import sql_files
from ncf_assets.sql_files import Column, SqlFile

if TYPE_CHECKING:  # commands that only need names and paths do not load the library
    import pyarrow as pa

FIELDS = ("grain", "key", "parameters", "python")


@dataclass(frozen=True)
class Table:
    """One table: what its header says, and its select, which is None if Python makes the table."""

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    parameters: tuple[str, ...]
    select: str | None
    text: str

    @property
    def schema(self) -> "pa.Schema":
        """The Arrow schema that every partition of the table has."""
        import pyarrow as pa

        types = {
            "INTEGER": pa.int32(),
            "BIGINT": pa.int64(),
            "DOUBLE": pa.float64(),
            "VARCHAR": pa.string(),
            "TIMESTAMP": pa.timestamp("us"),
        }
        return pa.schema([pa.field(c.name, types[c.type], c.nullable) for c in self.columns])

    @property
    def select_of_users(self) -> str:
        """The select of only the users $first_user to $last_user, in the key's order."""
        return (
            f'select * from ({self.select}) where "user" between $first_user and $last_user'
            f" order by {', '.join(self.key)}"
        )

    @property
    def is_global(self) -> bool:
        """Whether one file has the rows of all datasets, with the dataset as a column."""
        return any(column.name == "dataset" for column in self.columns)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The tables that the select reads, in alphabetical order; empty without a select."""
        return upstream(self.select) if self.select else ()


@cache
def upstream(select: str) -> tuple[str, ...]:
    """Return the tables that a query reads, without its own common table expressions."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(select, dialect="duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return tuple(sorted({table.name for table in tree.find_all(exp.Table)} - own))


def parse(name: str, text: str) -> Table:
    """Read one table's file. Raise ValueError if the header breaks the format."""
    return _table(name, sql_files.parse(f"tables/{name}.sql", text, FIELDS))


@cache
def tables() -> dict[str, Table]:
    """Return all tables by name, in alphabetical order."""
    return {name: _table(name, file) for name, file in sql_files.read_folder(__name__, FIELDS)}


def _table(name: str, file: SqlFile) -> Table:
    file.require("grain", "key")
    return Table(
        name=name,
        description=file.description,
        grain=file.fields["grain"],
        key=file.listed("key"),
        columns=file.columns,
        parameters=file.listed("parameters"),
        select=file.statement or None,
        text=file.text,
    )
