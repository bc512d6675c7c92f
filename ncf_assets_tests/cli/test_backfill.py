"""Backfills against a real daemon, and shells that stay open meanwhile."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ncf_assets.warehouse import Warehouse
from ncf_assets_tests.cli.commands import (
    BIN,
    daemon,
    environment,
    ncf,
    run,
    tiny_folder,
    wait_for_runs,
)
from ncf_assets_tests.tiny import ROWS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BROKEN = '[Broken]\nformat = "amazon-2014"\npath = "broken.json"\n'
OTHER = '[Other]\nformat = "amazon-2014"\npath = "tiny.json"\n'


def wait_for_daemon(data: Path, seconds: float = 240) -> None:
    """Until one has reported that it is there."""
    until = time.monotonic() + seconds
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        while not instance.get_daemon_heartbeats():
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three data sets that work and one that does not."""
    folder = tiny_folder(tmp_path, OTHER + OTHER.replace("Other", "Third") + BROKEN)
    (folder / "broken.json").write_text("not a review\n")
    return folder


def rows(data: Path, dataset: str) -> dict[str, int]:
    """Rows of each table of a data set that is there."""
    warehouse = Warehouse(data)
    stamps = {table: warehouse.find_stamp(table, dataset) for table in ROWS}
    return {table: stamp.rows for table, stamp in stamps.items() if stamp}


def graphql(data: Path, query: str) -> dict:
    """What Dagster's UI would be told."""
    done = run(
        data, "dagster-graphql", "-m", "ncf_assets.definitions", "-t", query,
        DAGSTER_HOME=str(data / "dagster"),
    )  # fmt: skip
    (answer,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(answer)["data"]


def test_a_backfill_runs_each_dataset_and_retries_what_failed(data: Path) -> None:
    """One of four fails: exit code 1, named in the table; --failed runs it alone again."""
    config = str(data / "run.yaml")
    done = ncf(data, "backfill", "Sample", "Broken", "Other", "Third", "--config", config)
    assert done.returncode == 1, done.stderr
    assert "no Dagster daemon is running" in done.stdout
    assert rows(data, "Sample") == rows(data, "Other") == rows(data, "Third") == ROWS
    assert rows(data, "Broken") == {}
    table = " ".join(done.stdout.split())
    assert "at least one line must be a review" in table.replace("│ │ │ │ ", "")
    assert "ncf-assets backfill --failed" in done.stderr

    recorded = graphql(
        data,
        "{ partitionBackfillsOrError { ... on PartitionBackfills"
        " { results { status isAssetBackfill partitionNames } } } }",
    )
    (backfill,) = recorded["partitionBackfillsOrError"]["results"]
    assert backfill["isAssetBackfill"]
    assert backfill["status"] == "COMPLETED_FAILED"

    before = {name: Warehouse(data).stamp("users", name) for name in ("Sample", "Other", "Third")}
    (data / "broken.json").write_text((data / "tiny.json").read_text())
    again = ncf(data, "backfill", "--failed")
    assert again.returncode == 0, again.stdout + again.stderr
    assert rows(data, "Broken") == ROWS
    assert {name: Warehouse(data).stamp("users", name) for name in before} == before
    nothing = ncf(data, "backfill", "--failed")
    assert nothing.returncode == 1
    assert "there is nothing to run again" in nothing.stderr


SHELL = """
import sys, time, duckdb
from pathlib import Path
stop = Path(sys.argv[2])
with duckdb.connect(sys.argv[1]) as connection:  # read-write
    n = 0
    while not stop.exists():
        for (view,) in connection.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall():
            connection.execute(f"select dataset, count(*) from {view} group by all").fetchall()
            n += 1
        time.sleep(0.5)
print(n)
"""


@contextmanager
def open_shell(data: Path, stop: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the catalogue open read-write and queries every view in a loop."""
    call = [str(BIN / "python"), "-c", SHELL, str(data / "warehouse.duckdb"), str(stop)]
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            stop.touch()


def test_an_open_shell_and_a_backfill_do_not_disturb_each_other(data: Path) -> None:
    """While a shell reads all views, two data sets are made and the catalogue is rebuilt."""
    config = str(data / "run.yaml")
    first = ["--select", "raw_reviews,users"]
    assert ncf(data, "materialize", "Sample", *first).returncode == 0
    inode = (data / "warehouse.duckdb").stat().st_ino
    with open_shell(data, data / "stop") as shell:
        done = ncf(data, "backfill", "Sample", "Other", "--config", config)
        assert done.returncode == 0, done.stdout + done.stderr
        assert shell.poll() is None, "the shell ended before the backfill"
        (data / "stop").touch()
        out, errors = shell.communicate(timeout=60)
    assert (shell.returncode, errors) == (0, "")
    assert int(out) > 100  # it did query all the time
    assert (data / "warehouse.duckdb").stat().st_ino != inode
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute("select dataset, count(*) from users group by all").fetchall()
    assert sorted(found) == [("Other", 13), ("Sample", 13)]


def test_dagsters_own_job_backfill_works_with_a_running_daemon(data: Path) -> None:
    """`dagster job backfill` queues a run for each partition, and the daemon runs them.

    It has no option for run configuration, so the lists of 99 candidates stop the tiny data set at
    the negatives, with the remedy; all tables before are made.
    """
    with daemon(data):
        home = str(data / "dagster")
        call = ["dagster", "job", "backfill", "-j", "everything", "--partitions", "Sample,Other"]
        done = run(data, *call, "--noprompt", DAGSTER_HOME=home)
        assert done.returncode == 0, done.stderr
        ended = wait_for_runs(data, 2)
    assert ended == ["FAILURE", "FAILURE"]
    for dataset in ("Sample", "Other"):
        assert rows(data, dataset)["test"] == 12
        assert "negatives" not in rows(data, dataset)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_backfill_is_canceled(data: Path, ending: signal.Signals) -> None:
    """Ctrl-c, or a time limit: the backfill is closed, and the daemon started for it ends."""
    words = ["ncf-assets", "backfill", "Sample", "--config", str(data / "run.yaml")]
    with subprocess.Popen(
        [str(BIN / words[0]), *words[1:]],
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "one is started" in line:
                break
        wait_for_daemon(data)
        process.send_signal(ending)
        out, errors = process.communicate(timeout=240)
    assert process.returncode == 1, out + errors
    assert "being canceled" in errors
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (backfill,) = instance.get_backfills()
        assert backfill.status.value == "CANCELED"
        assert instance.get_daemon_heartbeats() == {}
        assert all(run.is_finished for run in instance.get_runs())


def test_a_running_daemon_is_used(data: Path) -> None:
    """`ncf-assets backfill` starts none of its own."""
    with daemon(data):
        wait_for_daemon(data)
        done = ncf(data, "backfill", "Sample", "--config", str(data / "run.yaml"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "one is started" not in done.stdout
    assert rows(data, "Sample") == ROWS
