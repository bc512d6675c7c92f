"""docs/tour.ipynb runs from its first cell to its last."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ncf_assets_tests.cli.commands import run
from ncf_assets_tests.docs.texts import ROOT

TOUR = ROOT / "docs/tour.ipynb"
LARGEST = 150_000  # bytes, outputs included, for a page of text and a few small plots


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that are run."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def kinds(cell: dict[str, Any]) -> set[str]:
    """Return the MIME types of a cell's outputs."""
    return {kind for output in cell["outputs"] for kind in output.get("data", {})}


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_the_tour_runs_and_shows_what_it_keeps(data: Path) -> None:
    """No cell fails, and each has outputs of the same types as the stored ones."""
    program = "import json; from docs_build.tour import executed; print(json.dumps(executed()))"
    done = run(data, sys.executable, "-c", program, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr[-3000:]
    ran, kept = json.loads(done.stdout.splitlines()[-1]), json.loads(TOUR.read_text())
    assert [*map(kinds, code_cells(ran))] == [*map(kinds, code_cells(kept))]


def test_the_kept_outputs_are_small_and_of_no_machine() -> None:
    """They have four plots, no path of the machine that made them, and no warning."""
    text = TOUR.read_text()
    assert len(text) < LARGEST
    assert text.count("image/png") == 4
    assert "stderr" not in text
    assert str(Path.home()) not in text
