"""Read the checks of tables: each has a file `<check>.sql` with a header and a query.

The query returns the rows that break the check's rule. A check runs on the rows that are about to
be published. If it finds rows, the run stops and the previous partition stays, unless the header
says `severity: warning`. A check with `also:` holds for a second table of the same columns. In
addition to these files, every table has the check that its key is unique.
`ncf_assets.orchestration.publish` runs the checks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from ncf_assets import sql_files
from ncf_assets.sql_files import SqlFile
from ncf_assets.tables import Table, tables, upstream

FIELDS = ("table", "also", "remedy", "parameters", "severity")


@dataclass(frozen=True)
class Check:
    """One rule of one table; its query returns the rows that break the rule."""

    name: str
    table: str
    description: str
    remedy: str
    parameters: tuple[str, ...]
    query: str
    warns: bool = False  # in place of stopping the run

    @property
    def reads(self) -> tuple[str, ...]:
        """The other tables that the query reads."""
        return tuple(name for name in upstream(self.query) if name != self.table)


def parse(name: str, text: str) -> Check:
    """Read one check's file. Raise ValueError if its header lacks the table or the remedy."""
    return _check(name, sql_files.parse(f"checks/{name}.sql", text, FIELDS))


def _check(name: str, file: SqlFile) -> Check:
    file.require("table", "remedy")
    if file.fields.get("severity", "warning") != "warning":
        raise ValueError(
            f"{file.where}: severity may be warning, found {file.fields['severity']!r}. Leave it"
            " out if the check stops the run."
        )
    return Check(
        name=name,
        table=file.fields["table"],
        description=file.description,
        remedy=file.fields["remedy"],
        parameters=file.listed("parameters"),
        query=file.statement,
        warns="severity" in file.fields,
    )


def _for_both(check: Check, file: SqlFile) -> Iterator[Check]:
    """Yield a check, and the same one of the table that it also holds for."""
    yield check
    for other in file.listed("also"):
        name, remedy, query = (
            re.sub(rf"\b{check.table}", other, text)
            for text in (check.name, check.remedy, check.query)
        )
        yield replace(check, name=name, table=other, remedy=remedy, query=query)


def key_is_unique(table: Table) -> Check:
    """Return the check that every table has: no two rows have the same key."""
    key = ", ".join(table.key)
    return Check(
        name=f"{table.name}_key_is_unique",
        table=table.name,
        description=f"No two rows have the same {key}.",
        remedy=f"materialize {table.name} again together with what it is made from",
        parameters=(),
        query=f"select {key}, count(*) as n from {table.name} group by {key} having count(*) > 1",
    )


@cache
def checks() -> dict[str, tuple[Check, ...]]:
    """Return the checks of each table, by the table's name."""
    found = [
        check
        for name, file in sql_files.read_folder(__name__, FIELDS)
        for check in _for_both(_check(name, file), file)
    ]
    return {
        name: (key_is_unique(table), *(check for check in found if check.table == name))
        for name, table in tables().items()
    }
