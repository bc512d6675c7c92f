"""The table macros of the catalogue: one `<macro>.sql` each, a header and a select over tables.

They are to work in every DuckDB from 1.2 on. So a parameter has no column's name, between which 2.0
does not choose in a subquery; and there is no common table expression, which 1.4.0 loses where a
subquery refers to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ncf_assets.tables import header_lines, upstream

_PARAMETERS = "parameters: "


@dataclass(frozen=True)
class Macro:
    """One table macro."""

    name: str
    description: str
    parameters: str
    select: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables that it looks at."""
        return upstream(self.select)

    @property
    def create(self) -> str:
        """The statement that makes it."""
        return f"create macro {self.name}({self.parameters}) as table {self.select}"


def parse(name: str, text: str) -> Macro:
    """Read one macro's file. Raises ValueError where its header lacks the parameters."""
    header, select = header_lines(text)
    named = [line for line in header if line.startswith(_PARAMETERS)]
    if not named:
        raise ValueError(f"macros/{name}.sql: the header lacks parameters")
    prose = " ".join(line for line in header if line and line not in named)
    return Macro(name, prose, named[0].removeprefix(_PARAMETERS), select)


@cache
def macros() -> tuple[Macro, ...]:
    """All macros, in alphabetical order."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    return tuple(
        parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".sql")
    )


def over(tables: Iterable[str]) -> list[Macro]:
    """The macros whose tables are all among these; the others could not be created."""
    present = set(tables)
    return [macro for macro in macros() if present.issuperset(macro.reads)]
