"""`ncf-assets doctor` on a folder with many faults at once: all are found, and none is invented."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from ncf_assets.orchestration.checkpoints import KEY, SET_ASIDE
from ncf_assets.orchestration.dagster_runs import DAEMON_NOTE, lock_tag
from ncf_assets.warehouse.duckdb_limits import export_spill, shell_spill
from ncf_assets.warehouse.lock_holder import LockHolder
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import forked, ncf

pytestmark = pytest.mark.process
BROKEN = '[Broken]\nformat = "amazon-2014"\npath = "broken.json"\n'
HALF = ".data.parquet.0123abcd.tmp"
OLD = {"code_version": "another", "input_hashes": {}, "weights": {"logit/kernel": ["float32"]}}


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of a data folder with everything, history included, and a data set that is broken."""
    shutil.copytree(made, tmp_path / "data", symlinks=True)
    folder = tmp_path / "data"
    with (folder / "datasets.toml").open("a") as registry:
        registry.write(BROKEN)
    (folder / "broken.json").write_text("not a review\n")
    Warehouse(folder).refresh_catalogue()
    return folder


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes the part of a daemon, and ends when it is asked to."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def put(file: Path, content: bytes = b"") -> str:
    """Write a file, and its folder; its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return str(file)


def break_files(place: Warehouse) -> list[str]:
    """Put twelve faults into the files; what is to be said of each."""
    root, of = place.root, place.paths
    spills = [
        (name, spill.with_name(f".{spill.name}.0123abcd.tmp"))
        for name, spill in (("export", export_spill(root)), ("shell", shell_spill(root)))
        if spill
    ]
    for _, spill in spills:
        spill.mkdir(parents=True)
    table, record = of.file("train", "Sample"), of.file("ials_model", "Sample")
    (lost,) = of.folder("ease_model", "Sample").glob("*.npz")
    lost.unlink()
    of.file("negatives", "Sample").unlink()
    old = Path(put(root / "tables/baselines/dataset=Sample/data.parquet"))
    return [
        put(of.folder("users", "Sample") / HALF),
        put(of.folder("leaderboard", ALL_DATASETS) / HALF),
        *(f"a killed {name} left {spill}" for name, spill in spills),
        put(of.raw / "reviews.json.gz", b" <!DOCTYPE html><title>404</title>") + " is a web page",
        f"{old.parents[1]} has a table",
        f"files of dataset {Path(put(of.file('items', 'Old'))).parent.name.partition('=')[2]},",
        put(table, table.read_bytes()[:-9]) + " is damaged",
        put(record, b"{") + " is damaged",
        f"{lost} is missing, though ease_model's record names it",
        "negatives of Sample is missing, though it was read for",
        put(of.database.with_suffix(".duckdb.new")) and "has a half-built copy next to it",
    ]


def break_checkpoints(place: Warehouse) -> list[str]:
    """Leave four checkpoints that no run will resume; what is to be said of each."""
    key = np.frombuffer(json.dumps(OLD).encode(), np.uint8)
    place.write_checkpoint("gmf_model", "Sample", {KEY: key})
    poisoned = {KEY: key, "weights logit/kernel": np.float64(1)}
    place.write_checkpoint("neumf_model", "Sample", poisoned)  # type: ignore[dict-item]
    at = {name: place.paths.checkpoint(f"{name}_model", "Sample") for name in ("gmf", "neumf")}
    mlp = place.paths.checkpoint("mlp_model", "Sample")
    return [
        f"{at['gmf']} is of no use: the code of gmf_model has changed since",
        f"{at['neumf']} is of no use: it is damaged, or was made",
        put(mlp, b"no archive") + " is of no use: it is damaged",
        put(mlp.with_name(SET_ASIDE)) + " is of no use: a run could not resume it",
    ]


def break_history(place: Warehouse, daemon: int) -> list[str]:
    """Leave five faults in Dagster's history; what is to be said of each."""
    home, tag = place.root / "dagster", "dagster/partition"
    failed = ncf(place.root, "materialize", "Broken", "--select", "raw_reviews,rejected_reviews")
    assert failed.returncode == 1
    words = ["dagster", "job", "backfill", "-j", "everything", "--partitions", "Sample"]
    queueing = forked(place.root, *words, "--noprompt", DAGSTER_HOME=str(home))
    assert queueing.returncode == 0, queueing.stderr
    with dg.DagsterInstance.from_config(str(home)) as instance:
        queued, run = instance.get_runs(limit=2)
        started = dg.DagsterRunStatus.STARTED
        died = dg.DagsterRun(job_name="everything", status=started, tags={tag: "Sample"})
        instance.add_run(died)
        instance.add_run_tags(died.run_id, lock_tag(place, died.run_id))
        backfill = PartitionBackfill(
            "orphan", BulkActionStatus.REQUESTED, from_failure=False, tags={},
            backfill_timestamp=time.time(), partition_names=[],
        )  # fmt: skip
        instance.add_backfill(backfill)
    holder = LockHolder.this_process("daemon")
    note = {"run_id": "daemon", "pid": daemon, "host": holder.host, "since": holder.since}
    put(home / DAEMON_NOTE, json.dumps(note | {"machine": holder.machine}).encode())
    return [
        f"run {run.run_id} of Broken failed, and nothing has been published since of raw_reviews,"
        " rejected_reviews",
        f"run {queued.run_id} of Sample is queued, but no Dagster daemon starts it",
        f"run {died.run_id} of Sample is shown as started, but its process is gone",
        "backfill orphan is shown as requested, but no Dagster daemon works on it",
        f"{home / DAEMON_NOTE} names a daemon that was killed",
    ]


@pytest.mark.acceptance
def test_each_of_twenty_faults_is_found_and_none_is_invented(
    made: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sound folder has none. `--fix` then mends what loses no data, and says what remains."""
    monkeypatch.setenv("NCF_DUCKDB_TEMP_DIR", str(tmp_path / "fast"))
    sound = ncf(data, "doctor")
    assert (sound.returncode, sound.stdout) == (0, f"data folder: {data}\nnothing is wrong\n")
    gone = subprocess.Popen(["true"])
    gone.wait()
    place = Warehouse(data)
    expected = [*break_history(place, gone.pid), *break_checkpoints(place), *break_files(place)]
    shutil.copy(made / "warehouse.duckdb", data)  # the twenty-second
    expected.append(f"{place.paths.database} shows the tables of another folder")
    done = ncf(data, "doctor")
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert [what for what in expected if what not in said] == []
    remedies = done.stdout.count("\n    ")
    assert remedies == len(expected) == 22, done.stdout
    fixed = ncf(data, "doctor", "--fix")
    assert fixed.stdout.count("    fixed: ") == 13, fixed.stdout
    assert fixed.stdout.count("\n    ") == remedies
    again = ncf(data, "doctor")
    assert again.stdout.count("\n    ") == remedies - 13, again.stdout


def test_a_daemon_without_work_is_found_and_ended(
    data: Path, idle: subprocess.Popen[bytes]
) -> None:
    """One that a version before this one left when its command was killed."""
    note = data / "dagster" / DAEMON_NOTE
    holder = LockHolder.this_process("daemon")
    text = {**vars(holder), "pid": idle.pid}
    put(note, json.dumps(text).encode())
    assert ncf(data, "doctor").returncode == 0  # it has just begun
    os.utime(note, (0, 0))
    found = ncf(data, "doctor", "--fix")
    assert f"the daemon of a backfill (process {idle.pid} on" in found.stdout
    assert found.returncode == 0
    assert idle.wait(10) != 0


def test_two_folders_are_found(data: Path, tmp_path: Path) -> None:
    """The history of another data folder: the doctor names both, and looks at neither."""
    other = tmp_path / "other"
    ncf(other, "dagster-home")
    done = ncf(data, "doctor", DAGSTER_HOME=str(other / "dagster"))
    assert done.returncode == 1
    assert str(other) in done.stderr
    assert str(data) in done.stderr
