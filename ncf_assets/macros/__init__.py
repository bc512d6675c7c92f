"""Read the catalogue's macros: each has a file `<macro>.sql` with a header and a statement.

The statement is a select, or with the field `returns` an expression; it may call other macros. The
macros must work in every DuckDB from 1.2 on. So no parameter has the name of a column, as 2.0
does not choose between them in a subquery. And no macro has a common table expression, as 1.4.0
loses it if a subquery refers to it. Parameters are compared as text: for a number DuckDB would read
the column as numbers, and take user 007 for user 7. `ncf_assets.warehouse.catalogue` creates the
macros.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ncf_assets import sql_files
from ncf_assets.sql_files import SqlFile
from ncf_assets.tables import upstream

FIELDS = ("parameters", "returns")


@dataclass(frozen=True)
class Macro:
    """One macro of the catalogue; `returns` is the type of an expression, None of a select."""

    name: str
    description: str
    parameters: str
    returns: str | None
    statement: str

    @property
    def reads(self) -> frozenset[str]:
        """The tables that the statement itself reads."""
        return frozenset(filter(None, upstream(self.statement)))  # a called macro has no name

    @property
    def calls(self) -> frozenset[str]:
        """The other macros that the statement calls."""
        return frozenset(name for name in _files() if re.search(rf"\b{name}\(", self.statement)) - {
            self.name
        }

    @property
    def kind(self) -> str:
        """What DuckDB calls it."""
        return "macro" if self.returns else "macro table"

    @property
    def create(self) -> str:
        """The statement that creates the macro."""
        body = f"({self.statement})" if self.returns else f"table {self.statement}"
        return f"create macro {self.name}({self.parameters}) as {body}"


def parse(name: str, text: str) -> Macro:
    """Read one macro's file. Raise ValueError if its header lacks the parameters."""
    return _macro(name, sql_files.parse(f"macros/{name}.sql", text, FIELDS))


@cache
def macros() -> tuple[Macro, ...]:
    """Return all macros, in alphabetical order."""
    return tuple(_macro(name, file) for name, file in _files().items())


def over(tables: Iterable[str]) -> list[Macro]:
    """Return the macros whose tables are all among these, each after those that it calls.

    The others cannot be created.
    """
    present, found, names = set(tables), list[Macro](), set[str]()
    while more := [
        macro
        for macro in macros()
        if macro.name not in names and present >= macro.reads and names >= macro.calls
    ]:
        found += more
        names |= {macro.name for macro in more}
    return found


@cache
def _files() -> dict[str, SqlFile]:
    return dict(sql_files.read_folder(__name__, FIELDS))


def _macro(name: str, file: SqlFile) -> Macro:
    file.require("parameters")
    return Macro(
        name,
        file.description,
        file.fields["parameters"],
        file.fields.get("returns"),
        file.statement,
    )
