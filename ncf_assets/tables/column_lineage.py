"""Which columns of other tables a column is made from: told by its select, else by its header.

A table that Python makes names in a column's meaning the column that it takes over: `users.user`.
"""

import re
from collections.abc import Mapping

import sqlglot.lineage
from sqlglot import exp

from ncf_assets.tables import Column, Table, tables

Source = tuple[str, str]  # table and column
_NAMED = re.compile(r"(\w+)\.(\w+)")


def column_lineage(table: Table) -> dict[str, list[Source]]:
    """For each column of a table the columns of other tables that it is made from, sorted.

    A column that only counts rows, or says a constant, is made from no column and is left out.
    """
    sources = _by_select(table, table.select) if table.select else _by_header(table.columns)
    return {column: sorted(found) for column, found in sources.items() if found}


def _by_select(table: Table, select: str) -> dict[str, set[Source]]:
    schema = {t.name: {c.name: c.type for c in t.columns} for t in tables().values()}
    roots = {
        column.name: sqlglot.lineage.lineage(column.name, select, schema=schema, dialect="duckdb")
        for column in table.columns
    }
    return {name: _leaves(root) for name, root in roots.items()}


def _leaves(root: sqlglot.lineage.Node) -> set[Source]:
    """The columns at the end of a tree; a leaf's name is `alias.column` of the table it reads."""
    return {
        (node.expression.name, node.name.rpartition(".")[2])
        for node in root.walk()
        if isinstance(node.expression, exp.Table)
    }


def _by_header(columns: tuple[Column, ...]) -> Mapping[str, set[Source]]:
    known = {(t.name, c.name) for t in tables().values() for c in t.columns}
    return {column.name: known & set(_NAMED.findall(column.description)) for column in columns}
