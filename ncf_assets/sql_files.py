"""Read the package's `.sql` files: a header of comment lines, then one statement.

A header has fields (`key: value`), column lines, and prose. The packages that use the files decide
which fields there may be, and what they mean: `tables`, `checks`, `macros`, and the views of
`warehouse`.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import resources

_COLUMN = re.compile(r"column (?P<name>\w+) (?P<type>[A-Z]+)(?P<null> null)?: (?P<description>.+)")
_FIELD = re.compile(r"(?P<key>[a-z]+): (?P<value>.+)")


@dataclass(frozen=True)
class Column:
    """One column as a header documents it."""

    name: str
    type: str
    nullable: bool
    description: str


@dataclass(frozen=True)
class SqlFile:
    """One file: `where` it is, for messages, and the parts of its header and statement."""

    where: str
    description: str
    fields: dict[str, str]
    columns: tuple[Column, ...]
    statement: str
    text: str

    def require(self, *keys: str) -> None:
        """Raise ValueError for a field that the header lacks."""
        if missing := set(keys) - self.fields.keys():
            lacking = ", ".join(sorted(missing))
            raise ValueError(f"{self.where}: the header lacks {lacking}. Add `-- key: …` for each.")

    def listed(self, key: str) -> tuple[str, ...]:
        """Return the words of a field, which commas separate; none without the field."""
        return tuple(self.fields[key].split(", ")) if key in self.fields else ()


def parse(where: str, text: str, fields: Collection[str]) -> SqlFile:
    """Parse one file's text. Raise ValueError for a column line that breaks the format.

    Lines with other keys than `fields` are prose.
    """
    lines = text.splitlines()
    n = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    found: dict[str, str] = {}
    columns: list[Column] = []
    prose: list[str] = []
    for line in (line[2:].strip() for line in lines[:n]):
        field = _FIELD.fullmatch(line)
        if column := _COLUMN.fullmatch(line):
            columns.append(
                Column(column["name"], column["type"], bool(column["null"]), column["description"])
            )
        elif field and field["key"] in fields:
            found[field["key"]] = field["value"]
        elif line.startswith("column "):
            raise ValueError(
                f"{where}: a column line breaks the format, found {line!r}."
                " Write `column <name> <TYPE>[ null]: <meaning>`."
            )
        elif line:
            prose.append(line)
    statement = "\n".join(lines[n:]).strip()
    return SqlFile(where, " ".join(prose), found, tuple(columns), statement, text)


def read_folder(package: str, fields: Collection[str]) -> Iterator[tuple[str, SqlFile]]:
    """Yield name and content of all `.sql` files of a package's folder, in alphabetical order."""
    folder = package.rpartition(".")[2]
    for file in sorted(resources.files(package).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            yield name, parse(f"{folder}/{file.name}", file.read_text(encoding="utf-8"), fields)
