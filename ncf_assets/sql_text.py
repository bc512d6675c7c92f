"""Write names, texts and paths into SQL, where DuckDB takes no prepared parameters for them."""

import re
from pathlib import Path


def quoted(identifier: str) -> str:
    """Return an SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: object) -> str:
    """Return an SQL text in single quotes."""
    return "'" + str(text).replace("'", "''") + "'"


def glob_escaped(path: Path) -> str:
    """Return a path for DuckDB's readers, which would read * ? and [ as a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
