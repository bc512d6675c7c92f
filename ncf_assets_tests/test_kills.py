"""`kill -9` at random moments over the whole lineage, as a power cut would."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from ncf_assets.cli.arguments import asset_names
from ncf_assets.tables import tables
from ncf_assets.warehouse.parquet import verify
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import start, tiny_folder
from ncf_assets_tests.running import DEFS
from ncf_assets_tests.tiny import CONFIG

SEED = 5
GRAPH = DEFS.resolve_asset_graph()
STAGES = ("ingest", "prepare", "split", "train", "serve", "evaluate")  # the report reads of both
OPS = {"evaluation": {"evaluate"}}  # of several tables
TELLS_TIMES = {"evaluation_report"}  # its content differs from run to run
ASSETS = set(asset_names())
START_UP = 2.0  # seconds of a command before its first step

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="TensorFlow forks on Linux alone"),
]


def stage_of(asset: str) -> str:
    """The group of an asset."""
    return GRAPH.get(dg.AssetKey(asset)).group_name


class Runs:
    """`ncf-assets materialize` on the tiny data set in one folder."""

    def __init__(self, data: Path) -> None:
        self.place = Warehouse(tiny_folder(data).resolve())
        self.log = data / "log.txt"
        for stage in STAGES:
            ops = {
                op: config
                for op, config in CONFIG["ops"].items()
                if stage in OPS.get(op, {stage_of(op)} if op not in OPS else set())
            }
            (data / f"{stage}.yaml").write_text(yaml.safe_dump({"ops": ops}))

    def stage(self, stage: str, seconds: float | None = None) -> dict[str, Any]:
        """Run one stage; kill it after some seconds."""
        assets = ",".join(asset for asset in sorted(ASSETS) if stage_of(asset) == stage)
        file, started = str(self.place.root / f"{stage}.yaml"), time.monotonic()
        call = ["ncf-assets", "materialize", "Sample", "--config", file, "--select", assets]
        with (
            self.log.open("a") as log,
            start(self.place.root, *call, trains=True, stdout=log, stderr=log) as process,
        ):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        if seconds is None:
            assert process.returncode == 0, self.log.read_text()[-3000:]
        return {"code": process.returncode, "seconds": time.monotonic() - started}


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """In an empty folder."""
    return Runs(tmp_path)


def shown(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The views of a catalogue."""
    named = "select view_name from duckdb_views() where not internal"
    return [view for (view,) in connection.execute(named).fetchall()]


def check_whole(place: Warehouse) -> None:
    """The catalogue opens, and every table that it shows reads to its end as it was written.

    So does every version before.
    """
    for file in place.root.glob("previous/*/*/*.parquet"):
        verify(file)
    if not place.paths.database.exists():
        return
    with duckdb.connect(str(place.paths.database), read_only=True) as connection:
        for view in shown(connection):
            rows = len(connection.execute(f"from {view}").fetchall())
            if view in tables():  # `lineage` is of all of them
                assert rows == place.get_provenance(view, "Sample").rows
                verify(place.paths.file(view, "Sample"))


@contextmanager
def watched(place: Warehouse) -> Iterator[None]:
    """All the time, the catalogue opens and every view in it can be read."""
    stop, failures = threading.Event(), []

    def look() -> None:
        while not stop.wait(2):
            try:
                if place.paths.database.exists():
                    _count(place.paths.database)
            except duckdb.Error as error:
                failures.append(str(error))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert failures == []


def _count(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        for view in shown(connection):
            connection.execute(f"select count(*) from {view}").fetchall()


def stage_seconds(made: Path) -> dict[str, float]:
    """How long a command for each stage takes, by the steps of the run of all of them."""
    with dg.DagsterInstance.from_config(str(made / "dagster")) as instance:
        (run,) = instance.get_runs()
        steps = instance.get_run_step_stats(run.run_id)
        logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    events = [log.get_dagster_event() for log in logs]
    stages = {event.step_key: stage_of(event.asset_key.to_user_string()) for event in events}
    takes = dict.fromkeys(STAGES, START_UP)
    for step in steps:
        takes[stages[step.step_key]] += step.end_time - step.start_time
    return takes


def contents(place: Warehouse) -> dict[str, str]:
    """The content hash of every table and model; the weights of networks too."""
    return {
        asset: place.get_provenance(asset, "Sample").content_hash
        for asset in sorted(ASSETS - TELLS_TIMES)
    }


def left_behind(place: Warehouse) -> list[Path]:
    """Temporary files and folders, checkpoints, half-built catalogues."""
    ours = [path for path in place.root.rglob("*") if place.root / "dagster" not in path.parents]
    return [
        path
        for path in ours
        if path.name.startswith(".") or path.suffix == ".new" or path.name == "checkpoint.npz"
    ]


def statuses(place: Warehouse) -> list[str]:
    """How Dagster shows the runs, the newest first."""
    with dg.DagsterInstance.from_config(str(place.root / "dagster")) as instance:
        return [run.status.value for run in instance.get_runs()]


def kill_and_mend(runs: Runs, stage: str, takes: float, kills: int, random_: random.Random) -> None:
    """Kill a stage so many times within the seconds that it takes, then let it run."""
    killed = 0
    while killed < kills:
        run = runs.stage(stage, random_.uniform(0, takes))
        check_whole(runs.place)
        if run["code"] == -9:
            killed += 1
        else:  # it was quicker than thought
            takes = min(takes, run["seconds"])
    runs.stage(stage)
    assert left_behind(runs.place) == []
    assert set(statuses(runs.place)) <= {"SUCCESS", "FAILURE"}


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.acceptance)])
def test_after_kills_a_plain_run_gives_what_an_undisturbed_one_gives(
    runs: Runs, made: Path, kills: int
) -> None:
    """Kills of process groups, one or five within the time that each of six stages takes.

    The catalogue opens at every moment, and after each kill no table is torn. After a plain run of
    the stage nothing is left behind, Dagster shows no run as under way, and tables and models are
    those of a run that nothing happened to.
    """
    takes, random_ = stage_seconds(made), random.Random(SEED)
    with watched(runs.place):
        for stage in STAGES:
            kill_and_mend(runs, stage, takes[stage], kills, random_)
    assert "FAILURE" in statuses(runs.place)
    assert contents(runs.place) == contents(Warehouse(made))
