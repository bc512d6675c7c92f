"""Runs, open shells and the UI on one data folder at the same time."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import requests

from ncf_assets.cli.arguments import asset_names
from ncf_assets.cli.dagster_home import SETTINGS
from ncf_assets.tables import tables
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import BIN, ncf, spans, start, tiny_folder
from ncf_assets_tests.test_ui import ui
from ncf_assets_tests.tiny import reviews

pytestmark = [pytest.mark.process, pytest.mark.timeout(1500)]
DATASETS = ("Sample", "B", "C", "D")
TABLES = [name for name in asset_names() if name in tables()]

SHELL = """
import json, sys, time, duckdb
from pathlib import Path
seen = set()
with duckdb.connect(sys.argv[1]) as connection:  # read-write
    print("open", flush=True)
    named = "select view_name from duckdb_views() where not internal"
    ended = False
    while not ended:
        ended = Path(sys.argv[2]).exists()  # and once more
        for (view,) in connection.execute(named).fetchall():
            counted = f"select '{view}', dataset, count(*) from {view} group by all"
            found = connection.execute(counted).fetchall()
            if view not in ("lineage", "catalogue"):  # they are of what is there by then
                seen |= set(found)
        time.sleep(1)
print(json.dumps(sorted(seen)))
"""
POLL = """{
  runsOrError { ... on Runs { results { runId status } } }
  assetsOrError { ... on AssetConnection { nodes { key { path } } } }
}"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four data sets, each with one review fewer than the one before, and room for four runs."""
    blocks = (f'[{name}]\nformat = "amazon-2014"\npath = "{name}.json"\n' for name in DATASETS[1:])
    folder = tiny_folder(tmp_path, "".join(blocks))
    for fewer, name in enumerate(DATASETS[1:], 1):
        lines = [json.dumps(row) for row in reviews()[fewer:]]
        (folder / f"{name}.json").write_text("\n".join(lines))
    settings = SETTINGS.read_text()
    assert "max_concurrent_runs: 2" in settings
    (folder / "dagster").mkdir()
    four = settings.replace("max_concurrent_runs: 2", "max_concurrent_runs: 4")
    (folder / "dagster" / "dagster.yaml").write_text(four)
    return folder


@contextmanager
def open_shell(data: Path, stop: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the catalogue open read-write and counts all rows in a loop."""
    database = data / "warehouse.duckdb"
    call = [str(BIN / "python"), "-c", SHELL, str(database), str(stop)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shell:
        try:
            assert shell.stdout is not None
            assert shell.stdout.readline() == "open\n"
            yield shell
        finally:
            stop.touch()


def seen_by(shell: subprocess.Popen[str]) -> set[tuple[str, str, int]]:
    """Table, dataset and rows, of all that a shell has read; it met no error."""
    out, errors = shell.communicate(timeout=60)
    assert (shell.returncode, errors) == (0, "")
    return {(table, dataset, rows) for table, dataset, rows in json.loads(out)}


def poll(address: str, stop: threading.Event, failures: list[str]) -> None:
    """Ask the UI's server for runs and assets until told to stop."""
    while not stop.wait(1):
        answer = requests.post(f"{address}/graphql", json={"query": POLL}, timeout=60)
        if answer.status_code != requests.codes.ok or "errors" in answer.json():
            failures.append(answer.text[:500])


@contextmanager
def polled(address: str) -> Iterator[None]:
    """The UI's server is asked all the time, and answers."""
    stop, failures = threading.Event(), []
    thread = threading.Thread(target=poll, args=(address, stop, failures))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(90)
    assert failures == []


def rows_of_all(data: Path) -> set[tuple[str, str, int]]:
    """What each table's stamp says of each data set, where there are rows to count."""
    place = Warehouse(data)
    found = {(t, d, place.get_provenance(t, d).rows) for t in TABLES for d in DATASETS}
    return {(table, dataset, rows) for table, dataset, rows in found if rows}


@pytest.mark.acceptance
def test_four_data_sets_two_shells_and_the_ui_do_not_disturb_each_other(data: Path) -> None:
    """No failure, no table of which only a part is seen, and a complete catalogue in the end.

    DuckDB lets one process write to a file: the second shell opens the catalogue that has replaced
    the first one's meanwhile.
    """
    config, stop, place = ["--config", str(data / "run.yaml")], data / "stop", Warehouse(data)
    assert ncf(data, "materialize", "Sample", *config, trains=True).returncode == 0
    with ui(data) as address, open_shell(data, stop) as one:
        catalogue.rebuild(place.paths.database, place.published)
        with open_shell(data, stop) as two:
            with polled(address):
                done = ncf(data, "backfill", *DATASETS, *config)
            assert done.returncode == 0, done.stderr + done.stdout
            stop.touch()
            seen = seen_by(one), seen_by(two)
    _, *backfilled = spans(data)
    assert len(backfilled) == 4
    assert max(began for began, _ in backfilled) < min(ended for _, ended in backfilled)
    there = rows_of_all(data)
    for rows in seen:
        assert rows == there
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        counted = [f"select '{t}', dataset, count(*) from {t} group by all" for t in TABLES]
        assert {row for query in counted for row in connection.execute(query).fetchall()} == there
    examined = ncf(data, "doctor")
    assert (examined.returncode, examined.stdout) == (0, "nothing is wrong\n")


def test_of_two_commands_at_once_one_is_refused_and_the_result_is_the_others(data: Path) -> None:
    """It is told which run and process hold the dataset; every table comes from one run."""
    call = ["ncf-assets", "materialize", "Sample", "--select", "+test"]
    both = [start(data, *call, stderr=subprocess.PIPE) for _ in range(2)]
    errors = {process.communicate(timeout=300)[1] for process in both}
    assert sorted(process.returncode for process in both) == [0, 1]
    (winner,) = [process for process in both if process.returncode == 0]
    (told,) = errors - {""}
    place = Warehouse(data)
    made = [place.find_provenance(table, "Sample") for table in TABLES]
    (run_id,) = {provenance.run_id for provenance in made if provenance}
    assert f"Sample is being materialized by run {run_id} (process {winner.pid} on" in told
    assert len(spans(data)) == 1  # the other was not even begun
