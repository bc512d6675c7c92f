"""The tables: one `<table>.sql` each, a documenting header and, where SQL makes it, one select.

This module reads headers and selects. It runs no SQL: that is `ncf_assets.warehouse`. Which assets
exist, and how a table without a select is made, is `ncf_assets.assets`.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pyarrow as pa
import sqlglot
from sqlglot import exp

TYPES = {
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
}
_COLUMN = re.compile(r"column (?P<name>\w+) (?P<type>[A-Z]+)(?P<null> null)?: (?P<description>.+)")
_FIELD = re.compile(r"(?P<key>grain|key|parameters|made by): (?P<value>.+)")


@dataclass(frozen=True)
class Column:
    """One column as its table's header documents it."""

    name: str
    type: str
    nullable: bool
    description: str


@dataclass(frozen=True)
class Table:
    """One table: what its header says, and its select (None where Python makes the table)."""

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    parameters: tuple[str, ...]
    select: str | None
    text: str

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema that every partition of the table has."""
        fields = [pa.field(c.name, TYPES[c.type], c.nullable) for c in self.columns]
        return pa.schema(fields)

    @property
    def select_of_users(self) -> str:
        """The select's rows of the users $first_user to $last_user alone, in the key's order."""
        return (
            f'select * from ({self.select}) where "user" between $first_user and $last_user'
            f" order by {', '.join(self.key)}"
        )

    @property
    def spans_datasets(self) -> bool:
        """Whether one file has the rows of all datasets, with the dataset as a column."""
        return any(column.name == "dataset" for column in self.columns)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The tables that the select reads, in alphabetical order; empty without a select."""
        return upstream(self.select) if self.select else ()


def upstream(select: str) -> tuple[str, ...]:
    """Names of the tables a query reads, without its own common table expressions."""
    tree = sqlglot.parse_one(select, dialect="duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return tuple(sorted({table.name for table in tree.find_all(exp.Table)} - own))


def header_lines(text: str) -> tuple[list[str], str]:
    """Split a .sql file into the lines of its leading comment and the statement below."""
    lines = text.splitlines()
    n = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return [line[2:].strip() for line in lines[:n]], "\n".join(lines[n:]).strip()


def parse(name: str, text: str) -> Table:
    """Read one table's file. Raises ValueError where the header breaks the format."""
    header, select = header_lines(text)
    fields: dict[str, str] = {}
    columns: list[Column] = []
    prose: list[str] = []
    for line in header:
        if column := _COLUMN.fullmatch(line):
            columns.append(
                Column(column["name"], column["type"], bool(column["null"]), column["description"])
            )
        elif field := _FIELD.fullmatch(line):
            fields[field["key"]] = field["value"]
        elif line.startswith("column "):
            raise ValueError(
                f"tables/{name}.sql: expected `column <name> <TYPE>[ null]: <meaning>`,"
                f" found {line!r}"
            )
        else:
            prose.append(line)
    if missing := {"grain", "key"} - fields.keys():
        raise ValueError(f"tables/{name}.sql: the header lacks {', '.join(sorted(missing))}")
    return Table(
        name=name,
        description=" ".join(line for line in prose if line),
        grain=fields["grain"],
        key=tuple(fields["key"].split(", ")),
        columns=tuple(columns),
        parameters=tuple(fields["parameters"].split(", ")) if "parameters" in fields else (),
        select=select or None,
        text=text,
    )


@cache
def tables() -> dict[str, Table]:
    """All tables by name, in alphabetical order."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    named = [(file.name.removesuffix(".sql"), file) for file in files if file.name.endswith(".sql")]
    return {name: parse(name, file.read_text(encoding="utf-8")) for name, file in named}
