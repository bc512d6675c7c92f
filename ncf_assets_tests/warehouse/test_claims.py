"""Claims on datasets, with processes that hold them and are killed."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import claim, holders, leftovers
from ncf_assets.warehouse.files import temporary, temporary_folder
from ncf_assets.warehouse.lease import BusyError

HOLD = """
import sys
from pathlib import Path
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.claims import claim
print("trying", flush=True)
with claim(Warehouse(Path(sys.argv[1])), "A", sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(root: Path, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds dataset A for a run, until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), run_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["trying\n", "held\n"]
        yield process


def test_a_second_run_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    """The run, its process, since when, and what to do; another dataset is free."""
    with other_process(tmp_path, "run-1") as process:
        expected = (
            rf"A is being materialized by run run-1 \(process {process.pid} on \S+, since"
            r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\); wait until it has ended, or end it"
        )
        with pytest.raises(BusyError, match=expected), claim(Warehouse(tmp_path), "A", "run-2"):
            pass
        with claim(Warehouse(tmp_path), "B", "run-2"):
            pass
        (held,) = holders(Warehouse(tmp_path), "A")
        assert (held.run_id, held.pid) == ("run-1", process.pid)
    assert holders(Warehouse(tmp_path), "A") == []


def test_nothing_waits_for_a_killed_holder(tmp_path: Path) -> None:
    """Its claim is free at once, though its note is still there."""
    with other_process(tmp_path, "run-1") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / "claims" / "A.json").exists()
        assert holders(Warehouse(tmp_path), "A") == []
        with claim(Warehouse(tmp_path), "A", "run-2"):
            (held,) = holders(Warehouse(tmp_path), "A")
            assert held.run_id == "run-2"


def test_a_step_of_the_same_run_waits_its_turn(tmp_path: Path) -> None:
    """Under an executor that gives each step a process."""
    with other_process(tmp_path, "run-1") as process:
        again = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), "run-1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert again.stdout is not None
        assert again.stdout.readline() == "trying\n"
        with pytest.raises(subprocess.TimeoutExpired):
            again.wait(3)  # longer than the patience with other runs
        process.kill()
        assert again.communicate(timeout=30)[0] == "held\n"


def test_a_command_lets_in_the_run_that_it_starts(tmp_path: Path) -> None:
    """And keeps the claim after that run has left; a stranger in the same process stays out."""
    with claim(Warehouse(tmp_path), "A", "run-1"):
        with claim(Warehouse(tmp_path), "A", "run-1"):
            pass
        with pytest.raises(BusyError), claim(Warehouse(tmp_path), "A", "run-2"):
            pass
        assert holders(Warehouse(tmp_path), "A")
    assert list((tmp_path / "claims").glob("*.json")) == []


def test_a_claim_sweeps_what_a_killed_run_left_of_its_dataset(tmp_path: Path) -> None:
    """Tables, models, reports and spilled rows; nothing of others, nothing that is in place."""
    place, left = Warehouse(tmp_path), {}
    for dataset in ("A", "B"):
        left[dataset] = [
            name.__enter__()
            for name in (
                temporary(place.file("users", dataset)),
                temporary(place.file("neumf_model", dataset), ".keras"),
                temporary(place.file("evaluation_report", dataset)),
                temporary_folder(tmp_path / "tmp" / f"dataset={dataset}" / "spill"),
            )
        ]
        for path in left[dataset][:-1]:
            path.touch()
        left[dataset][-1].mkdir()
        (left[dataset][-1] / "rows").touch()
    kept = [place.file("users", "A"), place.folder("users", "A") / ".hidden"]
    for path in kept:
        path.touch()
    with claim(Warehouse(tmp_path), "A", "run-1"):
        assert not any(path.exists() for path in left["A"])
        assert all(path.exists() for path in [*kept, *left["B"]])


def test_what_a_killed_run_spilled_elsewhere_is_swept_for_its_own_data_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two data folders of one name spill to one disk; a dataset of one is claimed."""
    monkeypatch.setenv("NCF_SPILL_DIR", str(tmp_path / "fast"))
    mine, others = tmp_path / "one" / "data", tmp_path / "two" / "data"
    spilled = {}
    for root in (mine, others):
        with Warehouse(root).connect("A", {}) as connection:
            asked = connection.execute("select current_setting('temp_directory')").fetchone()
        spilled[root] = Path(asked[0]) if asked else root
        spilled[root].mkdir()
    assert leftovers(mine, "A") == [spilled[mine]]
    with claim(Warehouse(mine), "A", "run-1"):
        assert not spilled[mine].exists()
        assert spilled[others].exists()


def test_a_claim_on_all_datasets_sweeps_none_of_them(tmp_path: Path) -> None:
    """A table of all datasets has a claim of its own, for which a second run waits."""
    place = Warehouse(tmp_path)
    with temporary(place.file("users", "A")) as other, claim(Warehouse(tmp_path), "A", "run-1"):
        other.touch()
        left = place.file("leaderboard", EVERY).with_name(".data.parquet.0123abcd.tmp")
        left.parent.mkdir(parents=True)
        left.touch()
        with claim(Warehouse(tmp_path), EVERY, "run-2"):
            assert not left.exists()
            assert other.exists()


def test_a_note_cut_off_by_a_power_cut_holds_nobody_up(tmp_path: Path) -> None:
    """It is only for messages."""
    with other_process(tmp_path, "run-1"):
        note = tmp_path / "claims" / "A.json"
        note.write_text(json.dumps({"run_id": "run-1"})[:5])
        with (
            pytest.raises(BusyError, match="by a run that has just begun"),
            claim(Warehouse(tmp_path), "A", "run-2"),
        ):
            pass
    with claim(Warehouse(tmp_path), "A", "run-2"):
        pass
