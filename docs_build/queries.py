"""Read the questions of docs/queries.md, ask them, and write the answers below them.

`python -m docs_build.queries` renews the answers from the data folder's warehouse.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ncf_assets.warehouse.warehouse import Warehouse

PAGE = Path(__file__).parents[1] / "docs/queries.md"
_QUESTION = re.compile(
    r"^### (?P<title>.+)\n\n(?P<prose>(?:(?!###|```).*\n)*)"
    r"```sql\n(?P<query>(?:(?!```).*\n)+)```\n(?P<answer>(?:\n(?:\|.*\n)+)?)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Question:
    """A heading with its query and the Markdown table below."""

    title: str
    query: str
    answer: str

    @property
    def is_exact(self) -> bool:
        """Whether the answer is the same on every machine, as it does not depend on a network."""
        return not self.title.endswith("†")


def read(text: str) -> list[Question]:
    """Return the questions of the page, in order. Raise ValueError for a query without one."""
    questions = [
        Question(found["title"], found["query"], found["answer"].lstrip("\n"))
        for found in _QUESTION.finditer(text)
    ]
    if (queries := text.count("```sql\n")) != len(questions):
        raise ValueError(
            "Each query needs a heading `### N. …` and an empty line above, found"
            f" {queries} queries and {len(questions)} such headings. Correct the ones that were not"
            f" found; these were: {', '.join(question.title for question in questions)}."
        )
    return questions


def ask(database: Path, query: str) -> str:
    """Return the answer as a Markdown table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        result = connection.sql(query)
        rows = [result.columns, ["---"] * len(result.columns), *result.fetchall()]
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)


def renew(text: str, database: Path) -> str:
    """Return the page with each answer as the database gives it."""

    def answered(found: re.Match[str]) -> str:
        asked = found[0].removesuffix(found["answer"])
        try:
            return f"{asked}\n{ask(database, found['query'])}"
        except duckdb.Error as error:
            raise ValueError(
                f"The query {found['title']} fails. Correct it in {PAGE.name}. DuckDB says: {error}"
            ) from error

    read(text)
    return _QUESTION.sub(answered, text)


def _cell(value: object) -> str:
    """Return a value as DuckDB prints it, except NULL, which is empty."""
    text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text(), Warehouse.from_env().paths.database))
