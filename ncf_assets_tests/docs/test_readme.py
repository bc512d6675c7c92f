"""The README's demo, and its Python and SQL on what the demo made."""

import re
from pathlib import Path

import numpy as np
import pytest

from ncf_assets.cli.choices import asset_names
from ncf_assets_tests.cli.commands import run
from ncf_assets_tests.docs.texts import ROOT, block, blocks, make

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
README = ROOT / "README.md"


def test_the_demo_ends_with_a_summary(data: Path) -> None:
    """Tables with rows, the models side by side, where report and database are, how to go on."""
    said = (data / "said.txt").read_text()
    for words in ("22,954", "neumf", "popularity", "HR@10", "report.html", "warehouse.duckdb"):
        assert words in said
    assert "make ui" in said


def test_neumf_beats_popularity_clearly_on_the_sample(data: Path) -> None:
    """By more than 0.15 of HR@10, so that a learner sees that something was learnt."""
    query = "from leaderboard select value where metric = 'hr' and protocol = 'sampled-99'"
    models = "and k = 10 and model in ('neumf', 'popularity') order by model"
    assert "neumf" in run(data, "ncf-assets", "leaderboard").stdout
    answer = run(data, "ncf-assets", "sql", "--csv", f"{query} {models}").stdout
    neumf, popularity = map(float, answer.split()[1:])
    assert neumf > popularity + 0.15


def test_make_status_and_sql_read_what_the_demo_made(data: Path) -> None:
    """Everything is up to date, and a shell answers."""
    assert make(data, "status").stdout.count("up to date") == len(asset_names())
    assert "1503" in make(data, "sql", typed="select count(*) from users;\n").stdout


def test_make_alone_and_make_help_list_every_target(data: Path) -> None:
    """Each that a person may type, with a sentence, and each is declared as no file."""
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)
    phony = re.search(r"\.PHONY: (.+)", makefile)
    assert phony
    assert phony[1].split() == targets
    assert make(data).stdout == make(data, "help").stdout
    for target in targets:
        assert re.search(rf"^  make {target} +\S", make(data).stdout, re.MULTILINE)


def test_the_python_of_the_readme_scores_two_pairs(data: Path) -> None:
    """With data/ where the demo wrote it."""
    code = block(README, "python", "load_model").replace('Path("data")', f'Path("{data}")')
    done = run(data, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\[\s*[\d.e-]+\s*\]", done.stdout)) == 2


def test_own_arrays_are_trained_and_evaluated_on_without_dagster(tmp_path: Path) -> None:
    """As the README does it, on users who each like one tenth of 300 items, so 30; 12 are known.

    A model that has learnt just that places the held-out item anywhere among the 19 unseen ones of
    its tenth: NDCG@10 is (1 / log2(2) + ... + 1 / log2(11)) / 19 = 0.24. A random order of the 289
    unseen items gives 4.54 / 289 = 0.016.
    """
    generator = np.random.default_rng(7)
    users = np.repeat(np.arange(300), 12)
    items = [generator.permutation(30)[:12] * 10 + user % 10 for user in range(300)]
    np.save(tmp_path / "interactions.npy", [users, np.concatenate(items), np.arange(users.size)])
    code = block(README, "python", "interactions.npy").replace(
        '"interactions.npy"', repr(str(tmp_path / "interactions.npy"))
    )
    end = (
        "import sys; print([name for name in sys.modules if 'dagster' in name or 'duckdb' in name])"
    )
    done = run(tmp_path, "python", "-c", f"{code}\n{end}")
    assert done.returncode == 0, done.stderr
    among_99, among_all, imported = done.stdout.splitlines()
    assert float(among_all.removeprefix("among all ")) > 0.2
    assert float(among_99.removeprefix("among 99 ")) > 0.4
    assert imported == "[]"


def test_the_sql_of_the_readme_recommends(data: Path) -> None:
    """To a user of the Sample, to somebody new, and beside an item."""
    (asked,) = blocks(README, "sql")
    queries = [line.split(";")[0] for line in asked.splitlines()]
    answers = [run(data, "ncf-assets", "sql", "--csv", query).stdout for query in queries]
    assert [len(answer.splitlines()) for answer in answers] == [1 + 20] * 3
    known, stranger, _ = answers
    assert (known.count("neumf"), stranger.count("popular")) == (20, 20)
