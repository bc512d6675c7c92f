"""docs/queries.md is right on the Sample, and the tools that it names work."""

import asyncio
import re
from pathlib import Path

import pytest

from docs_build.queries import PAGE, Question, ask, read, renew
from ncf_assets_tests.cli.commands import ncf, run
from ncf_assets_tests.docs.texts import block

pytestmark = pytest.mark.timeout(600)
QUESTIONS = read(PAGE.read_text())


def test_the_questions_are_numbered_and_each_has_its_answer() -> None:
    """They are in order, and twenty or more."""
    numbers = [question.title.split(".")[0] for question in QUESTIONS]
    assert numbers == [*map(str, range(1, len(numbers) + 1))]
    assert len(numbers) >= 20
    assert all(question.answer for question in QUESTIONS)


def test_a_query_without_its_heading_is_refused() -> None:
    """An empty line is missing below the second heading."""
    text = "### 1. One\n\n```sql\nselect 1\n```\n\n### 2. Two\n```sql\nselect 2\n```\n"
    with pytest.raises(
        ValueError, match=r"found 2 queries and 1 such .* not found; these were: 1\. One\."
    ):
        read(text)


@pytest.mark.acceptance
def test_a_query_that_fails_is_named(data: Path) -> None:
    """The message has its heading."""
    text = "### 1. Which?\n\n```sql\nselect x\n```\n"
    with pytest.raises(
        ValueError, match=r"1\. Which\? fails\. Correct it in .* DuckDB says: Binder Error"
    ):
        renew(text, data / "warehouse.duckdb")


@pytest.mark.acceptance
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_a_question_has_the_answer_of_the_page(question: Question, data: Path) -> None:
    """Answers agree to the last digit.

    Those that depend on networks have as many rows of the same columns.
    """
    found = ask(data / "warehouse.duckdb", question.query)
    if question.is_exact:
        assert found == question.answer
    assert found.splitlines()[0] == question.answer.splitlines()[0]
    assert found.count("\n") == question.answer.count("\n")


@pytest.mark.acceptance
def test_a_cell_does_not_break_its_table(data: Path) -> None:
    """A bar is escaped, NULL is empty, booleans are SQL's."""
    table = ask(data / "warehouse.duckdb", "select 'a|b' as x, null as y, true as z")
    assert table == "| x | y | z |\n| --- | --- | --- |\n| a\\|b |  | true |\n"


@pytest.mark.acceptance
def test_the_history_of_a_figure_is_read_from_dagster(data: Path) -> None:
    """The page's Python reads the demo's one run."""
    home = ncf(data, "dagster-home").stdout.strip()
    code = block(PAGE, "python", "fetch_materializations")
    done = run(data, "python", "-c", code, DAGSTER_HOME=home)
    assert done.returncode == 0, done.stderr
    assert "'HR@10 full': 0.3" in done.stdout


@pytest.mark.acceptance
def test_pandas_and_polars_read_the_catalogue(data: Path) -> None:
    """The page's Python prints the same figures by both."""
    code = block(PAGE, "python", "polars").replace("data/", f"{data}/")
    done = run(data, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\bneumf\b", done.stdout)) == 2  # neumf_scratch is another word


@pytest.mark.acceptance
def test_the_duckdb_shell_opens_the_catalogue(data: Path) -> None:
    """The page's words are run, except the UI's, which fetches its pages from the network."""
    (words,) = [line for line in block(PAGE, "sh", "harlequin").splitlines() if "-readonly" in line]
    shell, option, database = words.split("#")[0].split()
    done = run(data, shell, option, str(data / Path(database).name), typed="from users limit 1;")
    assert "Sample" in done.stdout, done.stderr


@pytest.mark.acceptance
def test_harlequin_shows_a_result(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal, a query is typed and run by its key, and its table is read."""
    monkeypatch.setenv("HOME", str(data))  # where it stores the text of the editor
    assert asyncio.run(in_harlequin(data / "warehouse.duckdb", "select count(*) from users")) == [
        1503
    ]


async def in_harlequin(database: Path, query: str) -> list[object]:
    """Return the first row that Harlequin shows for a query."""
    from harlequin import Harlequin
    from harlequin_duckdb import DuckDbAdapter

    app = Harlequin(DuckDbAdapter((str(database),), read_only=True))
    async with app.run_test(size=(160, 50)) as pilot:
        while app.connection is None or app.editor is None:
            await pilot.pause(0.05)
        app.editor.text = query
        await pilot.press("ctrl+j")
        while not (table := app.results_viewer.get_visible_table()) or not table.row_count:
            await pilot.pause(0.05)
        return list(table.get_row_at(0))
