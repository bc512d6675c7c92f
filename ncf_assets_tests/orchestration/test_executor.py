"""Runs whose steps are processes of their own: what they make, and what a kill leaves."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from ncf_assets.cli.recorded_run import execute_recorded, record_run
from ncf_assets.definitions import build_defs
from ncf_assets.orchestration.executor import DatasetExecutor
from ncf_assets.warehouse.dataset_lock import holder, orphaned_files
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import BIN, environment, ncf, tiny_folder
from ncf_assets_tests.running import FILTERED, READ

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
WORDS = ["materialize", "Sample", "--processes", "2", "--select"]


def events(data: Path) -> list[dg.EventLogEntry]:
    """What Dagster has of the newest run."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        return list(instance.all_logs(instance.get_runs(limit=1)[0].run_id))


def state(data: Path) -> str:
    """The state of the newest run."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        return instance.get_runs(limit=1)[0].status.value


def pids(data: Path) -> dict[str | None, int]:
    """The process of each step of the newest run that has begun."""
    found = [entry.dagster_event for entry in events(data)]
    began = [event for event in found if event and event.event_type_value == "STEP_WORKER_STARTED"]
    return {
        event.step_key: int(str(event.engine_event_data.metadata["pid"].value)) for event in began
    }


def is_running(pid: int) -> bool:
    """Whether there is a process of this number that is no zombie."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@contextmanager
def reading(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run and the process of its first step, which waits at its end until the block ends."""
    words, pipe = [BIN / "ncf-assets", *WORDS, "+users"], subprocess.PIPE
    with (
        FileLock(data / "warehouse.duckdb.lock"),
        subprocess.Popen(words, env=environment(data), stdout=pipe, stderr=pipe, text=True) as run,
    ):
        while not Warehouse(data).find_provenance("raw_reviews", "Sample"):
            assert run.poll() is None
            time.sleep(0.1)
        yield run, pids(data)["reviews"]


def test_independent_steps_run_at_the_same_time_and_make_the_same(
    made: Path, tmp_path: Path
) -> None:
    """In processes of their own; lines of progress say which are under way, and nothing is left.

    Both processes are started before either ends, however long each then takes to begin.
    """
    data = tiny_folder(tmp_path)
    done = ncf(data, *WORDS, "+users,items")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[ 6/6]" in done.stdout
    spans = {
        kind: {e.step_key: e.timestamp for e in events(data) if e.dagster_event_type == kind}
        for kind in (dg.DagsterEventType.STEP_WORKER_STARTING, dg.DagsterEventType.STEP_SUCCESS)
    }
    started, ended = spans.values()
    assert max(started["users"], started["items"]) < min(ended["users"], ended["items"])
    assert len({*pids(data).values()}) == 4
    place, before = Warehouse(data), Warehouse(made)
    for table in (*READ, *FILTERED, "users", "items"):
        assert (
            place.get_provenance(table, "Sample").content_hash
            == before.get_provenance(table, "Sample").content_hash
        )
    assert orphaned_files(data, "Sample") == []


def test_a_step_that_is_killed_fails_its_run_and_leaves_nothing(tmp_path: Path) -> None:
    """Not even the half of a table; the lock is free, and the next run goes on."""
    data = tiny_folder(tmp_path)
    with reading(data) as (run, step):
        half = Warehouse(data).paths.folder("users", "Sample") / ".data.parquet.0123abcd.tmp"
        half.parent.mkdir(parents=True)
        half.write_text("half a table")
        os.kill(step, signal.SIGKILL)
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 1
        assert "reviews failed" in errors
        assert "Traceback" not in errors
        assert state(data) == "FAILURE"
        assert (orphaned_files(data, "Sample"), holder(data, "Sample")) == ([], None)
    assert ncf(data, *WORDS, "+users").returncode == 0


def test_the_steps_of_a_run_that_is_killed_end_with_it(tmp_path: Path) -> None:
    """So that the next run, which finds the dataset free, is alone with it."""
    data = tiny_folder(tmp_path)
    with reading(data) as (run, step):
        assert is_running(step)
        run.kill()
        run.wait()
        until = time.monotonic() + 60
        while is_running(step):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert holder(data, "Sample") is None
    done = ncf(data, "materialize", "Sample", "--select", "+users")
    assert done.returncode == 0, done.stderr
    assert "was killed; Dagster now shows it as failed" in done.stdout


@pytest.mark.parametrize("how", [{"in_process": {}}, {"multiprocess": {"max_concurrent": 2}}])
def test_settings_out_of_range_end_a_run_before_its_first_step(
    how: dict[str, Any], tmp_path: Path
) -> None:
    """The launchpad of Dagster's UI lets them pass; no asset is shown as failed then."""
    data = tiny_folder(tmp_path)
    job = build_defs(Warehouse(data)).resolve_job_def("prepare_data")
    config = {
        "ops": {"negatives": {"config": {"n_negatives": -3}}},
        "execution": {"config": how},
    }
    with dg.instance_for_test() as instance:
        tags = {"dagster/partition": "Sample"}
        run = record_run(instance, job, str(uuid.uuid4()), config, tags, None)
        assert not execute_recorded(instance, job, run)
        entries = instance.all_logs(run.run_id)
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]
    assert dg.DagsterEventType.STEP_START not in [entry.dagster_event_type for entry in entries]
    said = "out of range:\nops.negatives.config.n_negatives: Input should be greater than or equal"
    assert any(said in entry.message for entry in entries), [entry.message for entry in entries][
        -4:
    ]


def test_no_process_at_all_is_refused(tmp_path: Path) -> None:
    """Dagster would take 0 for all cores, of which each takes the memory of one."""
    with pytest.raises(ValueError, match="max_concurrent must be 1 or more, found 0"):
        DatasetExecutor(Warehouse(tmp_path), 0)
