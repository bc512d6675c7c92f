"""DuckDB's dialect, in which the tables' selects are written, in Spark's words.

The only place that knows how the two differ. SQLGlot translates names, quotes, nulls' places and
parameters; what it cannot know is mended here, so that both engines give the same values to the
last bit. Running the result is `ncf_assets.warehouse.spark`'s.
"""

import sqlglot
from sqlglot import exp


def translate(select: str) -> str:
    """The select for Spark, with `:name` for each parameter; all names quoted, `user` is a word."""
    tree = sqlglot.parse_one(select, dialect="duckdb").transform(_as_double)
    return tree.sql(dialect="spark", identify=True, comments=False)


def _as_double(node: exp.Expression) -> exp.Expression:
    """1.0 as a double: a mean of decimals is a double in DuckDB, a rounded decimal in Spark."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name:
        return exp.cast(node.copy(), "double", copy=False)
    return node
