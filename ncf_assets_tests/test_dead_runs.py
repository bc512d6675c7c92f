"""Runs of a real daemon whose processes are killed."""

import os
import signal
import time
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.warehouse.dataset_lock import holder
from ncf_assets_tests.cli.commands import daemon, forked, tiny_folder

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
BACKFILL = [
    "dagster",
    "job",
    "backfill",
    "-j",
    "everything",
    "--partitions",
    "Sample",
    "--noprompt",
]


def queue(data: Path) -> None:
    """Have the daemon run everything on the tiny data set."""
    done = forked(data, *BACKFILL, DAGSTER_HOME=str(data / "dagster"))
    assert done.returncode == 0, done.stderr


def worker(data: Path, but: int = 0, seconds: float = 240) -> int:
    """The process of the run that has claimed the tiny data set, and noted so; not that one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (held := holder(data, "Sample")) and held.pid != but:
            return held.pid
        time.sleep(0.05)
    pytest.fail(f"no run began in {seconds} s")


def newest(data: Path) -> tuple[str, str]:
    """The newest run's status, and why it failed."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (found,) = instance.get_runs(limit=1)
        events = instance.all_logs(found.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        return found.status.value, " ".join(event.message for event in events)


def failure(data: Path, seconds: float = 240) -> str:
    """Why the newest run failed, once Dagster shows that it did."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status, why = newest(data)
        if status == "FAILURE":
            return why
        time.sleep(0.5)
    pytest.fail(f"the run is still shown as {status} after {seconds} s")


def test_a_daemon_shows_killed_runs_as_failed(tmp_path: Path) -> None:
    """First the run's process alone is killed, then the daemon with everything that it started."""
    data = tiny_folder(tmp_path)
    with daemon(data) as process:
        queue(data)
        os.kill(first := worker(data), signal.SIGKILL)
        assert "marked as failed from outside" in failure(data)  # by the code server
        queue(data)
        worker(data, but=first)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert newest(data)[0] == "STARTED"
    with daemon(data):
        assert "The process of this run is gone" in failure(data)
