"""Locks on datasets, with processes that hold them and are killed."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncf_assets.warehouse.dataset_lock import (
    DatasetLockedError,
    dataset_lock,
    holder,
    orphaned_files,
)
from ncf_assets.warehouse.files import temporary, temporary_folder
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests import forking

HOLD = """
import sys
from pathlib import Path
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets.warehouse.dataset_lock import dataset_lock
print("trying", flush=True)
with dataset_lock(Warehouse(Path(sys.argv[1])), "A", sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(root: Path, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that locks dataset A for a run until its input ends."""
    call = ["python", "-c", HOLD, str(root), run_id]
    with forking.start(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["trying\n", "held\n"]
        yield process


@pytest.mark.process
def test_a_second_run_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    """The message has the run, its process, since when, and what to do; another dataset is free."""
    with other_process(tmp_path, "run-1") as process:
        expected = (
            rf"A is being materialized by run run-1 \(process {process.pid} on \S+, since"
            r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\. Wait until it has ended, or end it"
        )
        with (
            pytest.raises(DatasetLockedError, match=expected),
            dataset_lock(Warehouse(tmp_path), "A", "run-2"),
        ):
            pass
        with dataset_lock(Warehouse(tmp_path), "B", "run-2"):
            pass
        held = holder(tmp_path, "A")
        assert held
        assert (held.run_id, held.pid) == ("run-1", process.pid)
    assert holder(tmp_path, "A") is None


@pytest.mark.process
def test_nothing_waits_for_a_killed_holder(tmp_path: Path) -> None:
    """Its lock is free at once, though its note still exists."""
    with other_process(tmp_path, "run-1") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / "locks" / "A.json").exists()
        assert holder(tmp_path, "A") is None
        with dataset_lock(Warehouse(tmp_path), "A", "run-2"):
            held = holder(tmp_path, "A")
        assert held
        assert held.run_id == "run-2"


@pytest.mark.process
def test_a_step_of_the_same_run_waits_its_turn(tmp_path: Path) -> None:
    """Some executors give each step a process."""
    with other_process(tmp_path, "run-1") as process:
        again = forking.start(
            ["python", "-c", HOLD, str(tmp_path), "run-1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert again.stdout is not None
        assert again.stdout.readline() == "trying\n"
        with pytest.raises(subprocess.TimeoutExpired):
            again.wait(3)  # longer than another run would wait
        process.kill()
        assert again.communicate(timeout=30)[0] == "held\n"


def test_a_command_shares_its_lock_with_the_run_that_it_starts(tmp_path: Path) -> None:
    """It keeps the lock after that run has ended; another run in the same process is refused."""
    with dataset_lock(Warehouse(tmp_path), "A", "run-1"):
        with dataset_lock(Warehouse(tmp_path), "A", "run-1"):
            pass
        with pytest.raises(DatasetLockedError), dataset_lock(Warehouse(tmp_path), "A", "run-2"):
            pass
        assert holder(tmp_path, "A")
    assert list((tmp_path / "locks").glob("*.json")) == []


def test_locking_removes_what_a_killed_run_left_of_the_dataset(tmp_path: Path) -> None:
    """These are tables, models, reports and spilled rows; other files and datasets stay."""
    place, orphaned = Warehouse(tmp_path), {}
    for dataset in ("A", "B"):
        orphaned[dataset] = [
            name.__enter__()
            for name in (
                temporary(place.paths.file("users", dataset)),
                temporary(place.paths.file("neumf_model", dataset), ".keras"),
                temporary(place.paths.file("evaluation_report", dataset)),
                temporary_folder(tmp_path / "tmp" / f"dataset={dataset}" / "spill"),
            )
        ]
        for path in orphaned[dataset][:-1]:
            path.touch()
        orphaned[dataset][-1].mkdir()
        (orphaned[dataset][-1] / "rows").touch()
    kept = [place.paths.file("users", "A"), place.paths.folder("users", "A") / ".hidden"]
    for path in kept:
        path.touch()
    with dataset_lock(Warehouse(tmp_path), "A", "run-1"):
        assert not any(path.exists() for path in orphaned["A"])
        assert all(path.exists() for path in [*kept, *orphaned["B"]])


def test_spilled_rows_on_another_disk_are_removed_only_for_the_same_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two data folders with the same name spill to one disk; a dataset of one is locked."""
    monkeypatch.setenv("NCF_DUCKDB_TEMP_DIR", str(tmp_path / "fast"))
    mine, others = tmp_path / "one" / "data", tmp_path / "two" / "data"
    spilled = {}
    for root in (mine, others):
        with Warehouse(root).connect("A", {}) as connection:
            asked = connection.execute("select current_setting('temp_directory')").fetchone()
        spilled[root] = Path(asked[0]) if asked else root
        spilled[root].mkdir()
    assert orphaned_files(mine, "A") == [spilled[mine]]
    with dataset_lock(Warehouse(mine), "A", "run-1"):
        assert not spilled[mine].exists()
        assert spilled[others].exists()


def test_the_lock_of_all_datasets_removes_nothing_of_a_dataset(tmp_path: Path) -> None:
    """A table of all datasets has a lock of its own."""
    place = Warehouse(tmp_path)
    with (
        temporary(place.paths.file("users", "A")) as other,
        dataset_lock(Warehouse(tmp_path), "A", "run-1"),
    ):
        other.touch()
        file = place.paths.file("leaderboard", ALL_DATASETS)
        orphaned = file.with_name(".data.parquet.0123abcd.tmp")
        orphaned.parent.mkdir(parents=True)
        orphaned.touch()
        with dataset_lock(Warehouse(tmp_path), ALL_DATASETS, "run-2"):
            assert not orphaned.exists()
            assert other.exists()


@pytest.mark.process
def test_a_note_truncated_by_a_power_failure_stops_no_run(tmp_path: Path) -> None:
    """The note is only for messages."""
    with other_process(tmp_path, "run-1"):
        note = tmp_path / "locks" / "A.json"
        note.write_text(json.dumps({"run_id": "run-1"})[:5])
        with (
            pytest.raises(DatasetLockedError, match="by a run that has just begun"),
            dataset_lock(Warehouse(tmp_path), "A", "run-2"),
        ):
            pass
    with dataset_lock(Warehouse(tmp_path), "A", "run-2"):
        pass
