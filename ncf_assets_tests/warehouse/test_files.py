"""Temporary folders that are locked as long as their process lives."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncf_assets.warehouse.duckdb_limits import export_spill
from ncf_assets.warehouse.files import locked_temp_dir, orphaned_temp_dirs
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests import forking

HOLD = """
import sys, time
from pathlib import Path
from ncf_assets.warehouse.files import locked_temp_dir
with locked_temp_dir(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    print(folder, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(target: Path) -> Iterator[Path]:
    """Yield a folder that another process has locked; kill the process at the end."""
    call = ["python", "-c", HOLD, str(target)]
    with forking.start(call, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Path(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)


@pytest.mark.process
def test_a_folder_is_orphaned_when_its_process_is_killed(tmp_path: Path) -> None:
    """It is not orphaned before; folders of another target are left alone."""
    with holder(tmp_path / "out") as locked, holder(tmp_path / "other") as other:
        assert (locked / "half").exists()
        assert orphaned_temp_dirs(tmp_path / "out") == []
        with locked_temp_dir(tmp_path / "out"):
            assert (locked / "half").exists()
    assert orphaned_temp_dirs(tmp_path / "out") == [locked]
    with locked_temp_dir(tmp_path / "out") as mine:
        assert list(tmp_path.iterdir()) in ([mine, other], [other, mine])
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.process
def test_an_export_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removes the half-written file and all spilled rows, but nothing of a live export."""
    monkeypatch.setenv("NCF_DUCKDB_TEMP_DIR", str(tmp_path / "fast"))
    place, target = Warehouse(tmp_path / "data"), tmp_path / "out.duckdb"
    place.root.mkdir()
    spill = export_spill(place.root)
    assert spill is not None
    with holder(spill) as live:
        with holder(target), holder(spill) as dead:
            pass
        assert {*spill.parent.iterdir()} == {live, dead}
        place.export(target)
        assert [*spill.parent.iterdir()] == [live]
    assert not list(tmp_path.glob(".out*"))
