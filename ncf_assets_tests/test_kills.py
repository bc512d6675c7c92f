"""`kill -9` at random moments over the whole lineage, as a power cut would."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from ncf_assets.cli.choices import asset_names
from ncf_assets.definitions import defs
from ncf_assets.tables import tables
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.parquet import verify
from ncf_assets_tests.cli.commands import environment, tiny_folder
from ncf_assets_tests.tiny import CONFIG

KILLS = 5  # for each stage
SEED = 5
GRAPH = defs.resolve_asset_graph()
STAGES = ("ingest", "prepare", "split", "train", "evaluate", "serve")
OPS = {"ranking_pass": {"evaluate", "serve"}, "evaluation": {"evaluate"}}  # of several tables
TELL_TIMES = {"training_history", "evaluation_report"}  # their content differs from run to run
ASSETS = set(asset_names())

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="TensorFlow forks on Linux alone"),
]


def stage_of(asset: str) -> str:
    """The group of an asset."""
    return GRAPH.get(dg.AssetKey(asset)).group_name


class Runs:
    """`ncf-assets materialize` on the tiny data set in one folder, by `killing`."""

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
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ncf_assets_tests.killing", str(self.log)],
            env=environment(data),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stage(self, stage: str, seconds: float | None = None) -> dict[str, Any]:
        """Run one stage; kill it after some seconds."""
        assets = ",".join(asset for asset in sorted(ASSETS) if stage_of(asset) == stage)
        return self._run("--select", assets, config=stage, seconds=seconds)

    def everything(self) -> dict[str, Any]:
        """Run the whole lineage."""
        return self._run(config="run")

    def _run(self, *words: str, config: str, seconds: float | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        file = str(self.place.root / f"{config}.yaml")
        call = [["materialize", "Sample", "--config", file, *words], seconds]
        print(json.dumps(call), file=self._process.stdin, flush=True)
        done: dict[str, Any] = json.loads(self._process.stdout.readline())
        if seconds is None:
            assert done["code"] == 0, self.log.read_text()[-3000:]
        return done

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """In an empty folder."""
    found = Runs(tmp_path)
    yield found
    found.close()


def shown(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The views of a catalogue."""
    named = "select view_name from duckdb_views() where not internal"
    return [view for (view,) in connection.execute(named).fetchall()]


def check_whole(place: Warehouse) -> None:
    """The catalogue opens, and every table that it shows reads to its end as it was written."""
    if not place.database.exists():
        return
    with duckdb.connect(str(place.database), read_only=True) as connection:
        for view in shown(connection):
            rows = len(connection.execute(f"from {view}").fetchall())
            if view in tables():  # `lineage` is of all of them
                assert rows == place.stamp(view, "Sample").rows
                verify(place.file(view, "Sample"))


@contextmanager
def watched(place: Warehouse) -> Iterator[None]:
    """All the time, the catalogue opens and every view in it can be read."""
    stop, failures = threading.Event(), []

    def look() -> None:
        while not stop.wait(0.5):
            try:
                if place.database.exists():
                    _count(place.database)
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


def contents(place: Warehouse) -> dict[str, str]:
    """The content hash of every table and model; the weights of networks too."""
    return {asset: place.stamp(asset, "Sample").content for asset in sorted(ASSETS - TELL_TIMES)}


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


def kill_and_mend(runs: Runs, stage: str, takes: float, random_: random.Random) -> None:
    """Kill a stage five times within the seconds that it takes, then let it run."""
    killed = 0
    while killed < KILLS:
        run = runs.stage(stage, random_.uniform(0, takes))
        check_whole(runs.place)
        if run["code"] == -9:
            killed += 1
        else:  # it was quicker than thought
            takes = min(takes, run["seconds"])
    runs.stage(stage)
    assert left_behind(runs.place) == []
    assert set(statuses(runs.place)) <= {"SUCCESS", "FAILURE"}


def test_after_kills_a_plain_run_gives_what_an_undisturbed_one_gives(
    runs: Runs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """30 kills of process groups, five within the time that each stage takes.

    The catalogue opens at every moment, and after each kill no table is torn. After a plain run of
    the stage, and of everything in the end, nothing is left behind, and Dagster shows no run as
    under way.
    """
    undisturbed = Runs(tmp_path_factory.mktemp("undisturbed"))
    takes = {stage: undisturbed.stage(stage)["seconds"] for stage in STAGES}
    undisturbed.close()
    expected, random_ = contents(undisturbed.place), random.Random(SEED)
    with watched(runs.place):
        for stage in STAGES:
            kill_and_mend(runs, stage, takes[stage], random_)
    assert "FAILURE" in statuses(runs.place)
    runs.everything()
    assert contents(runs.place) == expected
