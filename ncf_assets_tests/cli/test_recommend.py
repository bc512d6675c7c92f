"""`ncf-assets recommend` shows history, recommendations and reasons of one person."""

from pathlib import Path

import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.served import TABLES, write, write_all

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data folder of one dataset that serves, and one that is only registered."""
    found = tmp_path_factory.mktemp("served")
    block = 'format = "amazon-2014"\npath = "reviews.json"\n'
    (found / "datasets.toml").write_text(f"[Hats]\n{block}[Other]\n{block}")
    write_all(Warehouse(found), "Hats")
    return found


def shown(folder: Path, *words: str) -> list[list[str]]:
    """Return the lines that the command prints, as words without the lines of tables."""
    done = ncf(folder, "recommend", *words)
    assert done.returncode == 0, done.stderr
    for line in "│┃":
        done.stdout = done.stdout.replace(line, " ")
    return [line.split() for line in done.stdout.splitlines()]


def test_a_user_is_shown_history_recommendations_and_reasons(folder: Path) -> None:
    """The bag came first, then the cap, which gives 3/4 of the hat's score; the bag gives 1/4."""
    lines = shown(folder, "Hats", "ann")
    flat = ["A", "flat", "cap"]  # the only title
    assert ["cap", *flat, "2014-05-14", "5", "1", "cap", *flat, "1.5", "bag", "100%"] in lines
    at = lines.index(["bag", "2014-05-14", "5", "2", "hat", "0.5", *flat, "75%"])
    assert lines[at + 1] == ["bag", "25%"]
    assert "recommendations by neumf" in " ".join(lines[0])


def test_an_unknown_user_is_shown_popular_items_and_told_so(folder: Path) -> None:
    """Nothing speaks for these."""
    lines = shown(folder, "Hats", "nobody")
    assert " ".join(lines[0]) == "nobody is no user of Hats, so these are the popular items."
    assert ["1", "tie", "9"] in lines


def test_a_list_of_items_is_shown_as_a_history_is(folder: Path) -> None:
    """The latest, which comes last in the list, is above; what is unknown is named and left out."""
    lines = shown(folder, "Hats", "--items", "bag, sock,cap")
    assert " ".join(lines[0]) == "Hats has no item sock."
    flat = ["A", "flat", "cap"]
    at = lines.index(["cap", *flat, "1", "hat", "1.6", *flat, "75%"])
    assert lines[at + 1 : at + 3] == [
        ["bag", "bag", "25%"],
        ["2", "tie", "0.8", "bag", "100%"],
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Hats"], "either a USER or --items must be given, and not both."),
        (["Hats", "ann", "--items", "cap"], "either a USER or --items must be given"),
        (["Hat", "ann"], "no dataset 'Hat' in"),
        (["Other", "ann"], "there is no dataset 'Other' here. Ask for 'Hats', whose name is near"),
    ],
)
def test_what_cannot_be_answered_is_refused(folder: Path, words: list[str], text: str) -> None:
    """With the remedy."""
    done = ncf(folder, "recommend", *words)
    assert done.returncode != 0
    assert text in done.stderr


def test_a_dataset_whose_recommendations_are_not_made_is_told_how(tmp_path: Path) -> None:
    """There is a table, but none that serves."""
    (tmp_path / "datasets.toml").write_text('[Hats]\nformat = "amazon-2014"\npath = "r.json"\n')
    write(Warehouse(tmp_path), "Hats", "items", TABLES["items"])
    done = ncf(tmp_path, "recommend", "Hats", "ann")
    assert done.returncode == 1
    expected = (
        "the recommendations of Hats are not materialized. Run `ncf-assets materialize Hats`."
    )
    assert expected in done.stderr
