"""The asset checks on tables: one `<check>.sql` each, a header and a query for the failing rows.

A check runs on the rows that are about to be published; one that finds rows stops the run and
leaves the old partition in place, unless its header says `severity: warning`. Beside the files
here, every table's key must be unique.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ncf_assets.tables import Table, header_lines, tables, upstream

_FIELD = re.compile(r"(?P<key>table|remedy|parameters|severity): (?P<value>.+)")


@dataclass(frozen=True)
class Check:
    """One rule of one table: its query returns the rows that break it."""

    name: str
    table: str
    description: str
    remedy: str
    parameters: tuple[str, ...]
    query: str
    warns: bool = False  # in place of stopping the run

    @property
    def reads(self) -> tuple[str, ...]:
        """The other tables that the query looks at."""
        return tuple(name for name in upstream(self.query) if name != self.table)


def parse(name: str, text: str) -> Check:
    """Read one check's file. Raises ValueError where its header lacks table or remedy."""
    header, query = header_lines(text)
    matches = {line: _FIELD.fullmatch(line) for line in header}
    fields = {found["key"]: found["value"] for found in matches.values() if found}
    if missing := {"table", "remedy"} - fields.keys():
        raise ValueError(f"checks/{name}.sql: the header lacks {', '.join(sorted(missing))}")
    if fields.get("severity", "warning") != "warning":
        raise ValueError(
            f"checks/{name}.sql: severity may be warning, found {fields['severity']!r};"
            " leave it out for a check that stops the run"
        )
    return Check(
        name=name,
        table=fields["table"],
        description=" ".join(line for line in header if line and not matches[line]),
        remedy=fields["remedy"],
        parameters=tuple(fields["parameters"].split(", ")) if "parameters" in fields else (),
        query=query,
        warns="severity" in fields,
    )


def key_is_unique(table: Table) -> Check:
    """The check that every table has: no two rows share its key."""
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
    """The checks of each table, by the table's name."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    parsed = [
        parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".sql")
    ]
    return {
        name: (key_is_unique(table), *(check for check in parsed if check.table == name))
        for name, table in tables().items()
    }
