"""Translate the tables' selects from DuckDB's dialect into Spark's.

Only this module knows how the two differ. SQLGlot translates names, quotes, the places of nulls and
parameters. What it cannot know is adapted here, so that both engines give the same values to the
last bit. The translated select runs in `ncf_assets.warehouse.spark`.
"""

import sqlglot
from sqlglot import exp


def translate(select: str) -> str:
    """Return the select for Spark, with `:name` for each parameter.

    All names are quoted, as `user` is a reserved word.
    """
    tree = sqlglot.parse_one(select, dialect="duckdb").transform(_as_double)
    return tree.sql(dialect="spark", identify=True, comments=False)


def _as_double(node: exp.Expression) -> exp.Expression:
    """Cast 1.0 to double: a mean of decimals is a double in DuckDB, a rounded decimal in Spark."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name:
        return exp.cast(node.copy(), "double", copy=False)
    return node
