"""Read the catalogue's table macros: each has a file `<macro>.sql` with a header and a select.

The macros must work in every DuckDB from 1.2 on. So no parameter has the name of a column, as 2.0
does not choose between them in a subquery. And no macro has a common table expression, as 1.4.0
loses it if a subquery refers to it. Parameters are compared as text: for a number DuckDB would read
the column as numbers, and take user 007 for user 7. `ncf_assets.warehouse.catalogue` creates the
macros.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ncf_assets import sql_files
from ncf_assets.sql_files import SqlFile
from ncf_assets.tables import upstream

FIELDS = ("parameters",)


@dataclass(frozen=True)
class Macro:
    """One table macro of the catalogue."""

    name: str
    description: str
    parameters: str
    select: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables that the select reads."""
        return upstream(self.select)

    @property
    def create(self) -> str:
        """The statement that creates the macro."""
        return f"create macro {self.name}({self.parameters}) as table {self.select}"


def parse(name: str, text: str) -> Macro:
    """Read one macro's file. Raise ValueError if its header lacks the parameters."""
    return _macro(name, sql_files.parse(f"macros/{name}.sql", text, FIELDS))


@cache
def macros() -> tuple[Macro, ...]:
    """Return all macros, in alphabetical order."""
    return tuple(_macro(name, file) for name, file in sql_files.read_folder(__name__, FIELDS))


def over(tables: Iterable[str]) -> list[Macro]:
    """Return the macros whose tables are all among these; the others cannot be created."""
    present = set(tables)
    return [macro for macro in macros() if present.issuperset(macro.reads)]


def _macro(name: str, file: SqlFile) -> Macro:
    file.require("parameters")
    return Macro(name, file.description, file.fields["parameters"], file.statement)
