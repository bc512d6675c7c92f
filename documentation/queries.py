"""The questions of docs/queries.md: reading them, asking them, writing the answers below.

`python -m documentation.queries` renews the answers from the data folder's warehouse.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ncf_assets.warehouse import Warehouse

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
        """Whether the answer is the same on every machine: no network has a part in it."""
        return not self.title.endswith("†")


def read(text: str) -> list[Question]:
    """The questions of the page, in its order. ValueError for a query that belongs to none."""
    questions = [
        Question(found["title"], found["query"], found["answer"].lstrip("\n"))
        for found in _QUESTION.finditer(text)
    ]
    if (queries := text.count("```sql\n")) != len(questions):
        raise ValueError(
            f"each query has a heading `### N. …` and an empty line above, found {queries} queries"
            f" and {len(questions)} such headings; correct what is not found:"
            f" {', '.join(question.title for question in questions)} are"
        )
    return questions


def ask(database: Path, query: str) -> str:
    """The answer as a Markdown table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        result = connection.sql(query)
        rows = [result.columns, ["---"] * len(result.columns), *result.fetchall()]
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)


def renew(text: str, database: Path) -> str:
    """The page with each answer as the database gives it."""

    def answered(found: re.Match[str]) -> str:
        asked = found[0].removesuffix(found["answer"])
        try:
            return f"{asked}\n{ask(database, found['query'])}"
        except duckdb.Error as error:
            raise ValueError(f"{found['title']}: {error}") from error

    read(text)
    return _QUESTION.sub(answered, text)


def _cell(value: object) -> str:
    """As DuckDB prints it, apart from NULL, which stays empty."""
    text = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text(), Warehouse.of_environment().database))
