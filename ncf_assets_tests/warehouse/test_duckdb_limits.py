"""DuckDB's memory limit, and what DuckDB leaves on the disk."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.warehouse.duckdb_limits import shared_out
from ncf_assets.warehouse.system_errors import explain
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.small_disk import small_disk

SETTINGS = "select current_setting('memory_limit'), current_setting('temp_directory')"
# 48 MB of texts to sort
SORTED = "select md5(range::varchar) as text from range(1_500_000) order by text"


def test_the_limit_and_the_folder_of_the_environment_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte has 10^9 bytes; DuckDB shows units of 2^30."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NCF_DUCKDB_MEMORY_GB", "2.5")
    monkeypatch.setenv("NCF_DUCKDB_TEMP_DIR", str(tmp_path / "fast" / "spill"))
    with Warehouse.from_env().connect("A", {}) as connection:
        found = connection.execute(SETTINGS).fetchall()
    ((limit, folder),) = found
    assert limit == "2.3 GiB"
    assert folder.startswith(f"{tmp_path}/fast/spill/data-")


@pytest.mark.parametrize(("limit", "each"), [("50%", "25%"), ("2500000000B", "1250000000B")])
def test_two_processes_have_half_of_the_limit_each(limit: str, each: str) -> None:
    """Whether it is a share of the memory or a number of bytes."""
    assert shared_out(limit, 2) == each


@pytest.mark.process
def test_half_of_what_the_process_may_have_is_the_default() -> None:
    """With `ulimit -d` of 2,000,000 KiB DuckDB takes half, and the rest is for Python."""
    code = "from ncf_assets.warehouse.duckdb_limits import memory_limit; print(memory_limit())"
    shell = f"ulimit -d 2000000; exec {sys.executable} -c '{code}'"
    environment = {name: v for name, v in os.environ.items() if name != "NCF_DUCKDB_MEMORY_GB"}
    done = subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1024000000B\n"


@pytest.mark.process
@pytest.mark.parametrize("value", ["much", "0", "nan"])
def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path, value: str) -> None:
    """Every command refuses it, with the remedy."""
    done = ncf(tmp_path, "status", NCF_DUCKDB_MEMORY_GB=value)
    assert done.returncode == 1
    refused = f"NCF_DUCKDB_MEMORY_GB must be a number above 0, found '{value}'. Correct it"
    assert refused in done.stderr


def spilled(root: Path) -> list[Path]:
    """Return the files in the folder to which DuckDB spills."""
    return [path for path in (root / "tmp").rglob("*") if path.is_file()]


def test_what_duckdb_spills_is_removed_when_a_query_is_closed(tmp_path: Path) -> None:
    """The query is closed after its first rows."""
    inputs = Inputs(Warehouse(tmp_path, memory_limit="40MB"), "A", [])
    rows = inputs.query(SORTED, {})
    next(rows)
    assert spilled(tmp_path)
    rows.close()
    assert not spilled(tmp_path)


def test_a_disk_too_small_to_spill_to_is_named_and_left_empty(tmp_path: Path) -> None:
    """There are 48 MB of texts, 40 MB of memory and 8 MB of disk."""
    with small_disk(tmp_path / "disk") as disk:
        inputs = Inputs(Warehouse(disk, memory_limit="40MB"), "A", [])
        with pytest.raises(duckdb.OutOfMemoryException) as caught:
            list(inputs.query(SORTED, {}))
        assert not spilled(disk)
        found = explain(caught.value, disk)
    assert found is not None
    assert f"8.4 MB are free at {disk / 'tmp'}. Free some space, name a folder" in found.text
    assert "raise NCF_DUCKDB_MEMORY_GB" in found.text
    assert not found.transient
