"""The assets that `status` compares with are those of the code that is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import ncf_assets
from ncf_assets.cli import arguments
from ncf_assets.cli.asset_graph import KEPT, graph_assets


@pytest.fixture
def _new_process() -> Iterator[None]:
    """Nothing is known yet, and nothing stays."""
    for known in (arguments.code_fingerprint, arguments.definitions):
        known.cache_clear()
    yield
    for known in (arguments.code_fingerprint, arguments.definitions):
        known.cache_clear()


@pytest.mark.usefixtures("_new_process")
def test_code_that_changes_under_a_running_command_is_read_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run keeps at its end is of the code that it began with, and the next does not take it.

    The package's files stand in a copy of one, which is changed while the graph is known.
    """
    file = tmp_path / "package" / "__init__.py"
    file.parent.mkdir()
    file.write_text("old")
    monkeypatch.setattr(ncf_assets, "__file__", str(file))
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path))
    arguments.definitions()
    file.write_text("newer")
    assert graph_assets()
    kept = (tmp_path / KEPT).read_text()
    arguments.code_fingerprint.cache_clear()  # as in another process
    assert arguments.code_fingerprint() not in kept
    assert graph_assets()
    assert arguments.code_fingerprint() in (tmp_path / KEPT).read_text()
