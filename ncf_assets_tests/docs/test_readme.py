"""The README and its demo are right, and so are the Python and SQL of the docs on its data."""

import re
from pathlib import Path

import numpy as np
import pytest

from ncf_assets.cli.arguments import asset_names
from ncf_assets_tests.cli.commands import run
from ncf_assets_tests.docs.texts import ROOT, block_of_any, make

pytestmark = pytest.mark.timeout(600)
README = ROOT / "README.md"


def test_the_readme_begins_with_what_matters() -> None:
    """The first 45 lines say what the project is, and have a picture and the commands.

    They also have what the commands print. All of the README is a few screens long.
    """
    lines = README.read_text().splitlines()
    first = "\n".join(lines[:45])
    assert len(lines) <= 140
    for words in ("NCF Assets is a ", "report.png", "make demo ", "make ui ", "```text"):
        assert words in first


@pytest.mark.acceptance
def test_the_demo_ends_with_a_summary(data: Path) -> None:
    """It lists tables with rows and the models side by side.

    It says where report and database are, and how to go on.
    """
    said = (data / "said.txt").read_text()
    for words in ("22,954", "neumf", "popularity", "HR@10", "report.html", "warehouse.duckdb"):
        assert words in said
    assert "make ui" in said


@pytest.mark.acceptance
def test_neumf_beats_popularity_clearly_on_the_sample(data: Path) -> None:
    """HR@10 is more than 0.15 higher, so that a learner sees that something was learned."""
    query = "from leaderboard select value where metric = 'hr' and protocol = 'sampled-99'"
    models = "and k = 10 and model in ('neumf', 'popularity') order by model"
    assert "neumf" in run(data, "ncf-assets", "leaderboard").stdout
    answer = run(data, "ncf-assets", "sql", "--csv", f"{query} {models}").stdout
    neumf, popularity = map(float, answer.split()[1:])
    assert neumf > popularity + 0.15


@pytest.mark.acceptance
def test_make_status_and_sql_read_what_the_demo_made(data: Path) -> None:
    """Everything is up to date, and a shell answers."""
    assert f"Sample: up to date, {len(asset_names())} assets" in make(data, "status").stdout
    assert "1503" in make(data, "sql", typed="select count(*) from users;\n").stdout


@pytest.mark.process
def test_make_alone_and_make_help_list_every_target(tmp_path: Path) -> None:
    """Each has a sentence, and is declared phony."""
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    phony = re.search(r"\.PHONY: (.+)", makefile)
    assert phony
    assert phony[1].split() == targets
    listed = make(tmp_path).stdout
    assert make(tmp_path, "help").stdout == listed
    for target in targets:
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE)


@pytest.mark.acceptance
def test_the_python_of_the_docs_scores_two_pairs(data: Path) -> None:
    """It reads data/ where the demo wrote it."""
    code = block_of_any("python", "load_model").replace('Path("data")', f'Path("{data}")')
    done = run(data, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\[\s*[\d.e-]+\s*\]", done.stdout)) == 2


@pytest.mark.acceptance
def test_the_python_of_the_docs_recommends_for_a_list(data: Path) -> None:
    """It names the id that is unknown, and then five items."""
    done = run(data, "python", "-c", block_of_any("python", "Recommender.load"))
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert first == "['no such item']"
    assert len(others) == 5


@pytest.mark.acceptance
def test_own_arrays_are_trained_and_evaluated_on_without_dagster(tmp_path: Path) -> None:
    """In the example of docs/python.md, each user likes a tenth of 300 items and has 12 of them.

    A model that has learned just that ranks the held-out item anywhere among the 19 unseen ones of
    its tenth: HR@10 is 10 / 19 = 0.53, and NDCG@10 is (1 / log2(2) + ... + 1 / log2(11)) / 19 =
    0.24. A random order of the 289 unseen items gives 10 / 289 = 0.035 and 4.54 / 289 = 0.016.
    """
    generator = np.random.default_rng(7)
    users = np.repeat(np.arange(300), 12)
    items = [generator.permutation(30)[:12] * 10 + user % 10 for user in range(300)]
    np.save(tmp_path / "interactions.npy", [users, np.concatenate(items), np.arange(users.size)])
    code = block_of_any("python", "interactions.npy").replace(
        '"interactions.npy"', repr(str(tmp_path / "interactions.npy"))
    )
    end = (
        "import sys; print([name for name in sys.modules if 'dagster' in name or 'duckdb' in name])"
    )
    done = run(tmp_path, "python", "-c", f"{code}\n{end}")
    assert done.returncode == 0, done.stderr
    said = re.fullmatch(r"HR@10 (0\.\d{3}), NDCG@10 (0\.\d{3})\n\[\]\n", done.stdout)
    assert said, done.stdout
    assert float(said[1]) > 0.45
    assert float(said[2]) > 0.2


@pytest.mark.acceptance
def test_the_sql_of_the_docs_recommends(data: Path) -> None:
    """It recommends to a user of the Sample, to a new user, and for an item."""
    asked = block_of_any("sql", "-- reason = 'popular'")
    queries = [line.split(";")[0] for line in asked.splitlines()]
    answers = [run(data, "ncf-assets", "sql", "--csv", query).stdout for query in queries]
    assert [len(answer.splitlines()) for answer in answers] == [1 + 20] * 3
    known, stranger, _ = answers
    assert (known.count("neumf"), stranger.count("popular")) == (20, 20)
