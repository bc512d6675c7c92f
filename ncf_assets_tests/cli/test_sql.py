"""`ncf-assets sql`: which folder's rows, within which limits, and names that look like numbers."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import BIN, environment, ncf, start
from ncf_assets_tests.warehouse.test_warehouse import other_shell, query, write

pytestmark = pytest.mark.process
COUNT = "select count(*) as n from items"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two items."""
    folder = tmp_path_factory.mktemp("original")
    write(Warehouse(folder))
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy in which a third item has been added since, and whose catalogue was copied."""
    folder = tmp_path / "copy"
    shutil.copytree(original, folder)
    write(
        Warehouse(folder), rows={"item": [0, 1, 2], "item_id": [*"abc"], "n_interactions": [1] * 3}
    )
    shutil.copy(original / "warehouse.duckdb", folder)
    return folder


def rows(data: Path, text: str, **more: str) -> list[str]:
    """What `ncf-assets sql --csv` prints below the header."""
    done = ncf(data, "sql", "--csv", text, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[1:]


def test_a_copied_folder_answers_with_its_own_rows(original: Path, copy: Path) -> None:
    """In the query and in the shell; also where it may only be read, as the catalogue stays."""
    before = (copy / "warehouse.duckdb").read_bytes()
    assert rows(copy, COUNT) == ["3"]
    assert "3" in ncf(copy, "sql", typed=COUNT + ";").stdout
    assert rows(original, COUNT) == ["2"]
    assert (copy / "warehouse.duckdb").read_bytes() == before


def test_a_mounted_folder_answers_though_its_origin_is_gone(original: Path, tmp_path: Path) -> None:
    """It is mounted to be read only, at a path that no view names, or else copied there."""
    gone, here = tmp_path / "gone", tmp_path / "mounted"
    shutil.copytree(original, gone)
    Warehouse(gone).refresh_catalogue()
    here.mkdir()
    if subprocess.run(["mount", "--bind", gone, here], capture_output=True, check=False).returncode:
        shutil.move(gone, here)
        assert rows(here, COUNT) == ["2"]
        return
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", here], check=True)
        assert rows(here, COUNT) == ["2"]
    finally:
        subprocess.run(["umount", here], check=True)


def test_a_copied_catalogue_refuses_and_names_both(original: Path, copy: Path) -> None:
    """In this DuckDB and in an older shell; from the folder itself a relative path is no copy."""
    with pytest.raises(duckdb.Error, match="in this copy of") as refused:
        query(Warehouse(copy), COUNT)
    assert str(original) in str(refused.value)
    assert "ncf-assets doctor --fix" in str(refused.value)
    with pytest.raises(subprocess.CalledProcessError):
        other_shell(Warehouse(copy), COUNT)
    (copy.parent / "link").symlink_to(original)
    for path in (original, copy.parent / "link", Path(os.path.relpath(original))):
        assert other_shell(Warehouse(original), COUNT, path / "warehouse.duckdb") == ["2"]


def test_the_doctor_rebuilds_a_copied_catalogue(copy: Path) -> None:
    """It is the only fault."""
    found = ncf(copy, "doctor")
    assert "warehouse.duckdb shows the tables of another folder" in found.stdout
    fixed = ncf(copy, "doctor", "--fix")
    assert fixed.stdout.count("fixed:") == 1
    assert query(Warehouse(copy), COUNT) == [(3,)]


def test_duckdb_keeps_to_the_limits_of_the_environment(original: Path, tmp_path: Path) -> None:
    """A query, and what is typed into the shell; nothing stays in the folder to spill to."""
    settings = ("memory_limit", "temp_directory")
    asked = "select " + ", ".join(f"current_setting('{name}')" for name in settings)
    limits = {"NCF_DUCKDB_MEMORY_GB": "0.3", "NCF_DUCKDB_TEMP_DIR": str(tmp_path / "fast")}
    (found,) = rows(original, asked, **limits)
    typed = ncf(original, "sql", typed=f".mode csv\n{asked};", **limits).stdout
    for answer in (found, typed):
        assert "286." in answer  # MiB in 0.3 GB
        assert str(tmp_path / "fast") in answer
    assert not [path for path in (tmp_path / "fast").rglob("*") if path.is_file()]


# a process between, as the peak of one that is started counts that of the one that starts it
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def test_csv_is_written_as_it_is_found(original: Path, tmp_path: Path) -> None:
    """Three million rows, of which Python's objects take 1 GB; the file is appended to."""
    target = tmp_path / "out.csv"
    target.write_text("before\n")
    large = "select range as n, 'x' || range as t, n > 1 as b from range(3000000)"
    with target.open("a") as out:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(BIN / "ncf-assets"), "sql", "--csv", large],
            env=environment(original),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    assert int(done.stderr.splitlines()[-1]) < 400_000  # kB
    lines = target.read_text().splitlines()
    assert lines[:3] == ["before", "n,t,b", "0,x0,false"]
    assert len(lines) == 3_000_002


@pytest.mark.parametrize(
    ("table", "command"), [("metrics", "materialize DATASET"), ("leaderboard", "leaderboard")]
)
def test_a_table_that_no_dataset_has_names_the_command(
    original: Path, table: str, command: str
) -> None:
    """DuckDB alone would ask for another table; of a name that is no table's it does."""
    done = ncf(original, "sql", f"from {table}")
    said = f"{table} is not materialized for any dataset. Run `ncf-assets {command}`."
    assert (done.returncode, done.stderr) == (1, f"Error: {said}\n")
    other = ncf(original, "sql", "from itemz")
    assert "Did you mean" in other.stderr


def test_each_statement_prints_its_result(original: Path) -> None:
    """As a table, CSV or JSON, where lists follow each other; a `set` prints nothing."""
    several = (
        "set threads = 1; select 1 as n, null as m; select 'a' as t, true as b; pragma version"
    )
    rest, results = ncf(original, "sql", "--json", several).stdout, []
    while rest:
        result, end = json.JSONDecoder().raw_decode(rest)
        results.append(result)
        rest = rest[end:].lstrip()
    assert results[:2] == [[{"n": 1, "m": None}], [{"t": "a", "b": True}]]
    assert "library_version" in results[2][0]
    text = ncf(original, "sql", "--csv", "select 1 as n; select '{file}' as t;").stdout
    assert text == "n\n1\n\nt\n{file}\n"
    shown = ncf(original, "sql", "select 41 as n; select 42 as n").stdout
    assert shown.index("41") < shown.index("42")
    empty = ncf(original, "sql", "--json", "select 1 as n where false").stdout
    assert json.loads(empty) == []


def test_the_shell_greets_people_alone(original: Path) -> None:
    """In a terminal it says where to begin; what is piped has answers alone."""
    leader, follower = pty.openpty()
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    with start(original, "ncf-assets", "sql", **streams) as process:
        os.close(follower)
        said = b""
        while b"an item_id" not in said:
            said += os.read(leader, 4096)
        os.killpg(process.pid, signal.SIGKILL)
    os.close(leader)
    for word in (f"All tables of {original}", "show tables;", "from catalogue;", "recommend("):
        assert word in said.decode()
    assert max(map(len, said.decode().splitlines()[1:])) <= 80  # but for the folder's name
    assert "catalogue" not in ncf(original, "sql", typed="select 1;").stdout


def test_a_reader_that_closes_early_is_no_traceback(original: Path) -> None:
    """`ncf-assets sql --csv … | head -1`, and an error in a query stays one."""
    pipe = subprocess.PIPE
    words = ["ncf-assets", "sql", "--csv", "select range from range(10000000)"]
    with start(original, *words, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    failed = ncf(original, "sql", "--csv", "select error('no') from range(9)")
    assert failed.returncode == 1
    assert failed.stderr.startswith("Error: Invalid Input Error: no")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets 7 and 007, each with users 1 and 01 and a list for each."""
    place = Warehouse(tmp_path_factory.mktemp("numbers"))
    for n, dataset in enumerate(("7", "007", "1e1")):
        users = {"user": [0, 1], "user_id": ["01", "1"], "n_interactions": [n, n]}
        write(place, dataset, "users", users)
        listed = {
            "user_id": ["01", "1"], "position": [1, 1], "item_id": ["5", "05"],
            "score": [1.0, 2.0], "reason": ["neumf"] * 2,
        }  # fmt: skip
        write(place, dataset, "recommendations", listed)
        popular = {"position": [1], "item_id": ["0"], "score": [1.0]}
        write(place, dataset, "popular_items", popular)
        titles = {"item_id": ["0"], "title": ["00"], "brand": [None], "category": [None]}
        write(place, dataset, "item_details", titles | {"price": [None]})
    return place.root


def test_names_that_look_like_numbers_stay_text(numbers: Path) -> None:
    """In the views, in lineage, in macros, whose arguments may be typed as numbers, and in CSV."""
    assert rows(numbers, "select dataset, count(*) from users group by all order by all") == [
        "007,2",
        "1e1,2",
        "7,2",
    ]
    assert rows(numbers, "select distinct dataset from lineage order by all") == ["007", "1e1", "7"]
    place = Warehouse(numbers)
    for arguments, item in (
        ("'007', '01'", "5"),
        ("'007', 1", "05"),
        ("7, 1", "05"),
        ("7, 9", "0"),
    ):
        found = query(place, f"select item_id from recommend({arguments})")
        assert found == [(item,)], arguments


def test_other_libraries_read_them_as_text_by_the_documented_recipes(numbers: Path) -> None:
    """Polars and pandas; without the schema both see two data sets of three, or none."""
    found = pl.read_parquet(
        f"{numbers}/tables/users/**/*.parquet",
        hive_partitioning=True,
        hive_schema={"dataset": pl.String},
    )
    assert set(found["dataset"]) == {"7", "007", "1e1"}
    by_dataset = ds.partitioning(pa.schema([("dataset", pa.string())]), flavor="hive")
    frame = pd.read_parquet(numbers / "tables/users", partitioning=by_dataset)
    assert frame.groupby("dataset").size().to_dict() == {"7": 2, "007": 2, "1e1": 2}
    assert set(frame["user_id"]) == {"1", "01"}
