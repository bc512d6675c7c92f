"""`ncf-assets diff` shows what a dataset has that its version before had not."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ncf_assets.cli.diff import table_changes
from ncf_assets.warehouse.changes import TableChange
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.warehouse.test_changes import lists, metrics, publish

pytestmark = pytest.mark.process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a data folder of one dataset whose tables were made once."""
    (tmp_path / "datasets.toml").write_text('[A]\nformat = "amazon-2014"\npath = "r.json"\n')
    place = Warehouse(tmp_path)
    publish(place, "metrics", metrics(("ease", "ndcg", 10, 0.2, 0.1, 0.3)))
    publish(place, "recommendations", lists(ann="abcd", bob="abcd"))
    return tmp_path


def test_tables_figures_and_lists_are_shown_beside_those_before(folder: Path) -> None:
    """One figure is another, and half of one of two lists is new."""
    place = Warehouse(folder)
    publish(place, "metrics", metrics(("ease", "ndcg", 10, 0.25, 0.15, 0.35)))
    publish(place, "recommendations", lists(ann="abcd", bob="axyb"))
    done = ncf(folder, "diff", "A")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(line.startswith("metrics 1 0 0 1 2026-01-01 00:") for line in lines)
    # positions 2, 3 and 4 of bob have another item
    assert any(line.startswith("recommendations 8 0 0 3 2026-01-01 00:") for line in lines)
    assert "NDCG@10 ease 0.2500 (0.1500 to 0.3500) 0.2000 (0.1000 to 0.3000)" in lines
    assert "on average 25.0% of a list is new" in done.stdout
    assert lines[-1] == "bob: 2 of 4 items are new"
    found = json.loads(ncf(folder, "diff", "A", "--json").stdout)
    assert [one["new"] for one in found["lists"]] == [2, 0]


def test_without_a_version_before_it_is_said_when_there_is_one(folder: Path) -> None:
    """Both tables were made once."""
    done = ncf(folder, "diff", "A")
    assert done.returncode == 0
    assert "no table of A has a version before it. It is kept from the next" in done.stdout


def test_ten_million_rows_fit_80_columns() -> None:
    """No number is cut, and the version before has day and minute."""
    rows, before = 10_000_000, "2026-01-01T00:00:00"
    change = TableChange("item_similarities", before, rows, before, rows, rows, rows, rows)
    console = Console(width=80, record=True, file=StringIO())
    console.print(table_changes([change]))
    last = console.export_text().splitlines()[-1]
    assert last.split() == ["item_similarities", *["10,000,000"] * 4, "2026-01-01", "00:00"]
