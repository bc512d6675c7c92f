"""Folders that are held for as long as their process lives."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.files import abandoned, held_folder
from ncf_assets.warehouse.memory import export_spill

HOLD = """
import sys, time
from pathlib import Path
from ncf_assets.warehouse.files import held_folder
with held_folder(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    print(folder, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(target: Path) -> Iterator[Path]:
    """The folder that another process holds; it is killed in the end."""
    command = [sys.executable, "-c", HOLD, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Path(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)


def test_a_folder_is_abandoned_when_its_process_is_killed(tmp_path: Path) -> None:
    """Not before; what belongs to another target is nobody's business here."""
    with holder(tmp_path / "out") as held, holder(tmp_path / "other") as other:
        assert (held / "half").exists()
        assert abandoned(tmp_path / "out") == []
        with held_folder(tmp_path / "out"):
            assert (held / "half").exists()
    assert abandoned(tmp_path / "out") == [held]
    with held_folder(tmp_path / "out") as mine:
        assert list(tmp_path.iterdir()) in ([mine, other], [other, mine])
    assert list(tmp_path.iterdir()) == [other]


def test_an_export_sweeps_away_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half-written file, and what was spilled for any file; not those of a live export."""
    monkeypatch.setenv("NCF_SPILL_DIR", str(tmp_path / "fast"))
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
