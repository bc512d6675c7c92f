"""Runs that are alive, and runs whose process is killed, as Dagster shows them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.orchestration import dagster_runs
from ncf_assets.orchestration.dagster_runs import find_dead_runs, mark_failed
from ncf_assets.orchestration.resources import EngineResource, warehouse_resource
from ncf_assets.orchestration.sensors import dead_runs
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import start

pytestmark = pytest.mark.process

RUN = """
import sys
from pathlib import Path
import dagster as dg
from ncf_assets_tests.orchestration.test_dagster_runs import run_of, waiting
print(run_of(dg.DagsterInstance.from_config(sys.argv[1]), Path(sys.argv[2]), waiting).success)
"""
ONLY = dg.StaticPartitionsDefinition(["A"])


@dg.asset(partitions_def=ONLY)
def waiting(warehouse: dg.ResourceParam[Warehouse]) -> None:
    """Says that it has begun, and goes on when its input ends."""
    print("begun on", warehouse.root, flush=True)
    sys.stdin.read()


@dg.asset(partitions_def=ONLY)
def quick(warehouse: dg.ResourceParam[Warehouse]) -> None:
    """Needs the warehouse, and does nothing with it."""


def run_of(
    instance: dg.DagsterInstance, data: Path, asset: dg.AssetsDefinition
) -> dg.ExecuteInProcessResult:
    """A run of one asset on dataset A, in this process."""
    return dg.materialize(
        [asset],
        instance=instance,
        partition_key="A",
        resources={"engine": EngineResource(), "warehouse": warehouse_resource(Warehouse(data))},
        raise_on_error=False,
    )


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A history on the disk, which other processes write too."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(home)) as found:
        found.get_runs(limit=1)  # so that two processes do not make its tables at once
        yield found


@contextmanager
def run_elsewhere(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of `waiting` in another process, under way."""
    with start(
        data, "python", "-c", RUN, str(data / "dagster"), str(data),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "begun" in process.stdout.readline()
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_live_run_is_not_taken_for_dead_and_keeps_others_out(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """It ends well; the run that came meanwhile failed, and says which one it met."""
    with run_elsewhere(tmp_path) as process:
        (live,) = instance.get_runs()
        assert find_dead_runs(instance, Warehouse(tmp_path)) == []
        refused = run_of(instance, tmp_path, quick)
        assert not refused.success
        (event,) = [e for e in refused.all_events if e.is_failure]
        told = str(event.event_specific_data)
        assert f"A is being materialized by run {live.run_id}" in told
        out, _ = process.communicate(timeout=60)
        assert out == "True\n"
    assert run_of(instance, tmp_path, quick).success
    assert find_dead_runs(instance, Warehouse(tmp_path)) == []


def test_a_killed_run_is_shown_as_failed(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """With what happened; a run that comes after it waits for nothing."""
    with run_elsewhere(tmp_path) as process:
        os.killpg(process.pid, signal.SIGKILL)
    (killed,) = instance.get_runs()
    assert killed.status == dg.DagsterRunStatus.STARTED
    assert run_of(instance, tmp_path, quick).success
    gone = find_dead_runs(instance, Warehouse(tmp_path))
    assert [run.run_id for run in gone] == [killed.run_id]
    mark_failed(instance, gone)
    (shown,) = instance.get_runs(dg.RunsFilter(run_ids=[killed.run_id]))
    assert shown.status == dg.DagsterRunStatus.FAILURE
    (event,) = instance.all_logs(killed.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert event.dagster_event is not None
    assert str(event.dagster_event.message).startswith("The process of this run is gone")
    assert find_dead_runs(instance, Warehouse(tmp_path)) == []


def test_a_run_killed_before_it_has_its_tag_is_dead_as_well(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has claimed its dataset a moment before; without the claim's note, that takes longer."""
    with run_elsewhere(tmp_path) as process:
        os.killpg(process.pid, signal.SIGKILL)
    (killed,) = instance.get_runs()
    instance.run_storage.delete_run(killed.run_id)
    instance.add_run(killed.with_tags({"dagster/partition": "A"}))
    assert [run.run_id for run in find_dead_runs(instance, Warehouse(tmp_path))] == [killed.run_id]
    (tmp_path / "locks/A.json").unlink()
    assert find_dead_runs(instance, Warehouse(tmp_path)) == []
    monkeypatch.setattr(dagster_runs, "STEP_START_TIMEOUT", timedelta(0))
    assert [run.run_id for run in find_dead_runs(instance, Warehouse(tmp_path))] == [killed.run_id]


def test_a_run_on_another_data_folder_is_left_alone(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """Two folders may share one history; only who sees the claim can judge."""
    with run_elsewhere(tmp_path) as process:
        os.killpg(process.pid, signal.SIGKILL)
    assert find_dead_runs(instance, Warehouse(tmp_path / "other")) == []


def test_a_daemon_marks_dead_runs(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sensor says which, and then that there are none."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path))
    with run_elsewhere(tmp_path) as process:
        os.killpg(process.pid, signal.SIGKILL)
    (killed,) = instance.get_runs()
    for said in (killed.run_id, "no run is dead"):
        assert said in dead_runs(dg.build_sensor_context(instance)).skip_message
    shown = instance.get_run_by_id(killed.run_id)
    assert shown.status == dg.DagsterRunStatus.FAILURE


def test_a_run_between_two_steps_of_its_own_processes_is_not_dead(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step claims and lets go; only if none follows for long, it is."""
    assert run_of(instance, tmp_path, quick).success
    (ended,) = instance.get_runs()
    instance.run_storage.delete_run(ended.run_id)
    instance.add_run(ended._replace(status=dg.DagsterRunStatus.STARTED))
    assert find_dead_runs(instance, Warehouse(tmp_path)) == []
    monkeypatch.setattr(dagster_runs, "STEP_START_TIMEOUT", timedelta(0))
    assert [run.run_id for run in find_dead_runs(instance, Warehouse(tmp_path))] == [ended.run_id]
