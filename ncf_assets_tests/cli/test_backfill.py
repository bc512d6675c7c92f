"""Backfills against a real daemon, and shells that stay open meanwhile."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import (
    daemon,
    graphql,
    ncf,
    start,
    tiny_folder,
    wait_for_daemon,
)
from ncf_assets_tests.tiny import ROWS

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

BROKEN = '[Broken]\nformat = "amazon-2014"\npath = "broken.json"\n'
LOST = '[Lost]\nformat = "amazon-2014"\npath = "lost.json"\n'  # a file that is not there


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that works, one that does not, and one without its file."""
    folder = tiny_folder(tmp_path_factory.mktemp("data"), BROKEN + LOST)
    (folder / "broken.json").write_text("not a review\n")
    return folder


def rows(data: Path, dataset: str) -> dict[str, int]:
    """Rows of each table of a data set that is there."""
    warehouse = Warehouse(data)
    provenances = {table: warehouse.find_provenance(table, dataset) for table in ROWS}
    return {table: provenance.rows for table, provenance in provenances.items() if provenance}


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
        time.sleep(2)
print(n)
"""


@contextmanager
def open_shell(data: Path, stop: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the catalogue open read-write and queries every view in a loop."""
    call = ["python", "-c", SHELL, str(data / "warehouse.duckdb"), str(stop)]
    with start(data, *call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            stop.touch()


@dataclass(frozen=True)
class Backfilled:
    """What a backfill and a shell that was open meanwhile have said."""

    done: subprocess.CompletedProcess[str]
    shell: subprocess.Popen[str]
    shell_said: tuple[str, str]
    catalogue_before: int


@pytest.fixture(scope="module")
def backfilled(data: Path) -> Backfilled:
    """A backfill of three data sets while no daemon is running: one fails, one has no file."""
    first = ["--select", "raw_reviews,latest_reviews,users"]
    assert ncf(data, "materialize", "Sample", *first).returncode == 0
    inode = (data / "warehouse.duckdb").stat().st_ino
    with open_shell(data, data / "stop") as shell:
        config = str(data / "run.yaml")
        done = ncf(data, "backfill", "Sample", "Lost", "Broken", "--config", config)
        assert shell.poll() is None, "the shell ended before the backfill"
        (data / "stop").touch()
        return Backfilled(done, shell, shell.communicate(timeout=60), inode)


@pytest.fixture(scope="module")
def running(data: Path, backfilled: Backfilled) -> Iterator[Path]:
    """Return the same data folder, for which a daemon of the user's own is running from then on."""
    assert backfilled.done.returncode == 1
    with daemon(data):
        wait_for_daemon(data)
        yield data


@pytest.fixture(scope="module")
def again(running: Path) -> subprocess.CompletedProcess[str]:
    """Backfill what has failed once more, when its file has been corrected."""
    (running / "broken.json").write_text((running / "tiny.json").read_text())
    return ncf(running, "backfill", "--failed")


def test_an_open_shell_and_a_backfill_do_not_disturb_each_other(
    data: Path, backfilled: Backfilled
) -> None:
    """While a shell reads all views, a data set is made and the catalogue is rebuilt."""
    out, errors = backfilled.shell_said
    assert (backfilled.shell.returncode, errors) == (0, "")
    assert int(out) > 100  # it did query all the time
    assert (data / "warehouse.duckdb").stat().st_ino != backfilled.catalogue_before
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute("select dataset, count(*) from users group by all").fetchall()
    assert found == [("Sample", 13)]


def test_a_backfill_runs_each_dataset_and_retries_what_failed(
    data: Path, backfilled: Backfilled, request: pytest.FixtureRequest
) -> None:
    """One of two fails: exit code 1, named in the table; --failed runs it alone again."""
    done = backfilled.done
    assert done.returncode == 1, done.stderr
    assert "no Dagster daemon is running" in done.stdout
    assert re.search(r"Sample +started, step \d+ of \d+, \w+", done.stdout)
    assert rows(data, "Sample") == ROWS
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
    told = ncf(data, "status").stdout
    assert "the last run of Broken failed: ncf-assets materialize Broken" in told

    before = Warehouse(data).get_provenance("users", "Sample")
    again = request.getfixturevalue("again")
    assert again.returncode == 0, again.stdout + again.stderr
    assert rows(data, "Broken") == ROWS
    assert Warehouse(data).get_provenance("users", "Sample") == before
    nothing = ncf(data, "backfill", "--failed")
    assert nothing.returncode == 1
    assert "there is nothing to run again" in nothing.stderr


def test_a_dataset_without_its_file_is_left_out_of_a_backfill(
    data: Path, backfilled: Backfilled
) -> None:
    """It is told so at once, the others are made, and no run of it could be shown as failed."""
    first = " ".join(backfilled.done.stderr.split())
    assert first.startswith(f"left out: {data}/lost.json must be a file, or a folder")
    assert backfilled.done.returncode == 1
    assert rows(data, "Sample") == ROWS
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        ran = {run.tags["dagster/partition"] for run in instance.get_runs()}
    assert {"Sample", "Broken"} <= ran
    assert "Lost" not in ran


def test_a_running_daemon_is_used(again: subprocess.CompletedProcess[str]) -> None:
    """`ncf-assets backfill` starts none of its own, and says so."""
    assert again.returncode == 0
    assert "one is started" not in again.stdout
    assert re.search(
        r"a Dagster daemon, which reported \d+ s ago, takes this backfill", again.stdout
    )


@pytest.mark.acceptance  # Dagster's own daemon looks for a backfill every 30 s
def test_a_dataset_that_the_running_daemon_has_not_read_is_named(
    running: Path, again: subprocess.CompletedProcess[str]
) -> None:
    """It was added while the daemon was running; how to make it read the registry is said."""
    assert again.returncode == 0  # so that --failed has found its own backfill before
    with (running / "datasets.toml").open("a") as registry:
        registry.write('\n[Newer]\nformat = "amazon-2014"\npath = "tiny.json"\n')
    done = ncf(running, "backfill", "Newer", "--config", str(running / "run.yaml"))
    assert done.returncode == 1
    assert "the running daemon has not read 'Newer' in the registry yet. Reload" in done.stderr


@pytest.mark.parametrize(
    "ending", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.acceptance)]
)
def test_an_interrupted_backfill_is_canceled(tmp_path: Path, ending: signal.Signals) -> None:
    """Ctrl-c, or a time limit: the backfill is closed, and the daemon started for it ends."""
    data = tiny_folder(tmp_path)
    words = ["ncf-assets", "backfill", "Sample", "--config", str(data / "run.yaml")]
    pipe = subprocess.PIPE
    with start(data, *words, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "one is started" in line:
                break
        wait_for_daemon(data)
        process.send_signal(ending)
        out, errors = process.communicate(timeout=240)
    assert process.returncode == 1, out + errors
    assert "Dagster cancels the backfill" in errors
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (backfill,) = instance.get_backfills()
        assert backfill.status.value == "CANCELED"
        assert instance.get_daemon_heartbeats() == {}
        assert all(run.is_finished for run in instance.get_runs())
