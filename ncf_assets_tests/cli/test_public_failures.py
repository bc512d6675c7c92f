"""Failures of other projects, as their public issues tell them, tried on this one.

docs/guarantees.md lists them, with those that other files test.
"""

import json
import signal
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.warehouse.dataset_lock import dataset_lock, holder
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import held_up, ncf, run, tiny_folder

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


@pytest.mark.parametrize("home", [".", "~/history"])
def test_a_history_that_depends_on_who_asks_is_refused(tmp_path: Path, home: str) -> None:
    """dagster-io/dagster#2609 and #10797: each process would find another folder."""
    done = ncf(tmp_path, "dagster-home", DAGSTER_HOME=home)
    assert done.returncode == 1
    assert f"DAGSTER_HOME must be an absolute path, found '{home}'" in done.stderr
    assert not (Path.cwd() / "~").exists()


@pytest.mark.parametrize(
    "threads",
    ["all", *(pytest.param(other, marks=pytest.mark.acceptance) for other in ("", "0"))],
)
def test_a_number_of_threads_that_is_none_stops_nothing(tmp_path: Path, threads: str) -> None:
    """pydata/numexpr#318 ended in a ValueError, intel/BigDL#2842 in a core dump."""
    words = ["ncf-assets", "materialize", "Sample", "--select", "+popularity_scores"]
    variables = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    done = run(tiny_folder(tmp_path), *words, **variables)
    assert done.returncode == 0, done.stderr
    assert Warehouse(tmp_path).get_provenance("popularity_scores", "Sample").rows == 12


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_a_service_manager_stops_is_not_shown_as_running(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """dagster-io/dagster#3839 and #1735: the process was gone, and its run STARTED for ever."""
    data = tiny_folder(tmp_path)
    words = ["ncf-assets", "materialize", "Sample", "--select", "+users"]
    with held_up(data, *words) as process:
        process.send_signal(ending)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "reviews failed: it was interrupted." in errors
    assert "the run was interrupted. What it had published by then is in place." in errors
    assert "Traceback" not in errors
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (found,) = instance.get_runs()
    assert found.status == dg.DagsterRunStatus.FAILURE
    assert ncf(data, *words[1:]).returncode == 0


def test_an_empty_note_of_a_holder_holds_nothing(tmp_path: Path) -> None:
    """vellum-ai/vellum-assistant#25101: a crash between making the file and writing into it."""
    place = Warehouse(tmp_path)
    with dataset_lock(place, "A", "run-1"):
        pass
    for file in (tmp_path / "locks").iterdir():
        file.write_bytes(b"")
    assert holder(place.root, "A") is None
    with dataset_lock(place, "A", "run-2"):
        assert (held := holder(place.root, "A"))
        assert held.run_id == "run-2"


def test_a_half_copied_table_beside_the_whole_one_changes_nothing(tmp_path: Path) -> None:
    """pgbackrest/pgbackrest#144: what a killed copy left made every resume fail."""
    data = tiny_folder(tmp_path)
    words = ["materialize", "Sample", "--select", "+users"]
    assert ncf(data, *words).returncode == 0
    folder = data / "tables" / "users" / "dataset=Sample"
    (folder / ".data.parquet.0123abcd.tmp").write_bytes(b"PAR1 and no more")
    assert ncf(data, *words).returncode == 0
    assert [file.name for file in folder.iterdir()] == ["data.parquet"]


IDS = ("12345678901234567890", "007", "7", "1e5", "NA", "null", "NaN", "true", "-0")


def test_ids_that_look_like_something_else_stay_text(tmp_path: Path) -> None:
    """duckdb/duckdb#22750 rounded ids of 20 digits, #5794 lost zeros; pandas takes NA for nothing.

    And #11636: with data sets 123 and abc side by side, a query over both failed.
    """
    block = 'format = "table"\npath = "{file}"\ntimestamp_unit = "seconds"\n'
    names = ["user", "item", "rating", "timestamp"]
    named = "".join(f'{name} = "{name}", ' for name in names).rstrip(", ")
    (tmp_path / "datasets.toml").write_text(
        f"[123]\n{block.format(file='ids.csv')}columns = {names}\n"
        f"[abc]\n{block.format(file='ids.jsonl')}columns = {{{named}}}\n"
    )
    rows = [(user, item, 5, 1_400_000_000) for user in IDS for item in IDS]
    (tmp_path / "ids.csv").write_text("".join(f"{u},{i},{r},{t}\n" for u, i, r, t in rows))
    lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    (tmp_path / "ids.jsonl").write_text("\n".join(lines))
    for dataset in ("123", "abc"):
        done = ncf(tmp_path, "materialize", dataset, "--select", "+users,+items")
        assert done.returncode == 0, done.stdout + done.stderr
    for table in ("user", "item"):
        query = f"select dataset, {table}_id from {table}s order by all"
        said = ncf(tmp_path, "sql", "--csv", query).stdout.splitlines()[1:]
        assert said == [f"{dataset},{name}" for dataset in ("123", "abc") for name in sorted(IDS)]
