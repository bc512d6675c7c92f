"""Find the columns of other tables that a column is made from, in its select or in its header.

If Python makes the table, the header names the columns in the meaning of a column: `users.user`.
`ncf_assets.orchestration.metadata` hands the result to the UI.
"""

import re
from collections.abc import Mapping

import sqlglot.lineage
from sqlglot import exp

from ncf_assets.sql_files import Column
from ncf_assets.tables import Table, tables

Source = tuple[str, str]  # table and column
_NAMED = re.compile(r"(\w+)\.(\w+)")


def column_lineage(table: Table) -> dict[str, list[Source]]:
    """Return for each column of a table the columns of other tables that it is made from, sorted.

    A column that only counts rows, or is a constant, is made from no column and is left out.
    """
    sources = _by_select(table, table.select) if table.select else _by_header(table.columns)
    return {column: sorted(found) for column, found in sources.items() if found}


def _by_select(table: Table, select: str) -> dict[str, set[Source]]:
    schema = {t.name: {c.name: c.type for c in t.columns} for t in tables().values()}
    roots = sqlglot.lineage.lineage(None, select, schema=schema, dialect="duckdb")
    return {column.name: _leaves(roots[column.name]) for column in table.columns}


def _leaves(root: sqlglot.lineage.Node) -> set[Source]:
    """Return the columns at a tree's leaves; the name of a leaf is `alias.column` of its table."""
    return {
        (node.expression.name, node.name.rpartition(".")[2])
        for node in root.walk()
        if isinstance(node.expression, exp.Table)
    }


def _by_header(columns: tuple[Column, ...]) -> Mapping[str, set[Source]]:
    known = {(t.name, c.name) for t in tables().values() for c in t.columns}
    return {column.name: known & set(_NAMED.findall(column.description)) for column in columns}
