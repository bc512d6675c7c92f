"""How much memory DuckDB takes, and what it leaves on the disk."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ncf_assets.assets.inputs import Inputs
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.trouble import trouble
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.small_disk import small_disk

SETTINGS = "select current_setting('memory_limit'), current_setting('temp_directory')"
# 48 MB of texts to sort
SORTED = "select md5(range::varchar) as text from range(1_500_000) order by text"


def test_the_limit_and_the_folder_of_the_environment_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes of 10^9 bytes; DuckDB shows them in units of 2^30."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NCF_MEMORY_GB", "2.5")
    monkeypatch.setenv("NCF_SPILL_DIR", str(tmp_path / "fast" / "spill"))
    with Warehouse.of_environment().connect("A", {}) as connection:
        found = connection.execute(SETTINGS).fetchall()
    ((limit, folder),) = found
    assert limit == "2.3 GiB"
    assert folder.startswith(f"{tmp_path}/fast/spill/data-")


def test_half_of_what_the_process_may_have_is_the_default() -> None:
    """Under `ulimit -d` of 2,000,000 KiB; the rest is for Python."""
    code = "from ncf_assets.warehouse.memory import memory_limit; print(memory_limit())"
    shell = f"ulimit -d 2000000; exec {sys.executable} -c '{code}'"
    environment = {name: v for name, v in os.environ.items() if name != "NCF_MEMORY_GB"}
    done = subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1024000000B\n"


@pytest.mark.parametrize("value", ["much", "0", "nan"])
def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path, value: str) -> None:
    """By every command, with the remedy."""
    done = ncf(tmp_path, "status", NCF_MEMORY_GB=value)
    assert done.returncode == 1
    assert f"NCF_MEMORY_GB must be a number above 0, found '{value}'; correct it" in done.stderr


def spilled(root: Path) -> list[Path]:
    """The files in the folder that is for them."""
    return [path for path in (root / "tmp").rglob("*") if path.is_file()]


def test_what_duckdb_spills_is_gone_when_a_query_is_given_up(tmp_path: Path) -> None:
    """After its first rows."""
    inputs = Inputs(Warehouse(tmp_path, memory_limit="40MB"), "A", [])
    rows = inputs.query(SORTED, {})
    next(rows)
    assert spilled(tmp_path)
    rows.close()
    assert not spilled(tmp_path)


def test_a_disk_too_small_to_spill_to_is_named_and_left_empty(tmp_path: Path) -> None:
    """48 MB of texts, 40 MB of memory, 8 MB of disk."""
    with small_disk(tmp_path / "disk") as disk:
        inputs = Inputs(Warehouse(disk, memory_limit="40MB"), "A", [])
        with pytest.raises(duckdb.OutOfMemoryException) as caught:
            list(inputs.query(SORTED, {}))
        assert not spilled(disk)
        found = trouble(caught.value, disk)
    assert found is not None
    assert f"8.4 MB are free at {disk / 'tmp'}; free some, name a folder" in found.text
    assert "raise NCF_MEMORY_GB" in found.text
    assert not found.passing
