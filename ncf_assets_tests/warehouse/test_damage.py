"""Finding damaged tables, and a catalogue that does not match the tables."""

import os
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.parquet import DamagedError, verify
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.warehouse.test_warehouse import write


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return an empty warehouse."""
    return Warehouse(tmp_path)


def faults(warehouse: Warehouse) -> list[str]:
    """Return how the catalogue differs from the tables that exist."""
    return catalogue.faults(warehouse.paths.database, warehouse.published)


def test_faults_of_the_catalogue_are_named_view_by_view(warehouse: Warehouse) -> None:
    """A table has no view, a view has no files, a file is half built; a rebuild fixes all."""
    assert faults(warehouse) == []
    write(warehouse, "A")
    assert faults(warehouse) == []
    warehouse.paths.file("items", "A").rename(warehouse.root / "away.parquet")
    with warehouse.stage_table("users", "A") as staged:
        staged.seal(code_version="c", input_hashes={}, config={}, run_id="r")
        staged.publish()  # and killed before the catalogue is refreshed
    warehouse.paths.database.with_suffix(".duckdb.new").touch()
    assert faults(warehouse) == [
        "has no view for table users",
        "shows table items, which has no files",
        "has a half-built copy next to it, which a killed run left",
    ]
    catalogue.rebuild(warehouse.paths.database, warehouse.published)
    assert faults(warehouse) == []


def test_a_damaged_or_missing_catalogue_is_rebuilt(warehouse: Warehouse) -> None:
    """It is rebuilt even if its size and time are those of the one that was built."""
    write(warehouse, "A")
    before = warehouse.paths.database.stat()
    with warehouse.paths.database.open("r+b") as file:
        file.write(b"\0" * 8192)
    os.utime(warehouse.paths.database, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert faults(warehouse)[0].startswith("cannot be opened")
    catalogue.rebuild(warehouse.paths.database, warehouse.published)
    assert faults(warehouse) == []
    warehouse.paths.database.unlink()
    assert faults(warehouse) == ["is missing"]


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_flipped_bit_in_the_rows_is_found(warehouse: Warehouse, column: int) -> None:
    """The bit is in the last byte of a column, which may still be read as another value."""
    write(warehouse)
    file = warehouse.paths.file("items", "A")
    verify(file)
    chunk = pq.read_metadata(file).row_group(0).column(column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(file.read_bytes())
    content[start + chunk.total_compressed_size - 1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedError, match=r"data\.parquet is damaged"):
        verify(file)


def test_a_truncated_file_is_found(warehouse: Warehouse) -> None:
    """A full disk or a copy that was cut off leaves such a file."""
    write(warehouse)
    file = warehouse.paths.file("items", "A")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedError, match=r"data\.parquet is damaged"):
        verify(file)


def test_a_damaged_footer_breaks_nothing_else(warehouse: Warehouse) -> None:
    """Wherever the damaged byte is, the views show the other datasets."""
    write(warehouse, "A")
    write(warehouse, "B")
    file = warehouse.paths.file("items", "A")
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    errors = set()
    for at in range(len(content) - 8 - length, len(content)):
        file.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        try:
            warehouse.get_provenance("items", "A")
            warehouse.schema_matches("items", "A")
        except DamagedError as error:
            errors.add(str(error))
    assert errors == {
        f"{file} is damaged or was not written by NCF Assets. Remove it and materialize the table"
        " again"
    }
    file.write_bytes(content[:-12] + b"\xff" * 4 + content[-8:])
    catalogue.rebuild(warehouse.paths.database, warehouse.published)
    with duckdb.connect(str(warehouse.paths.database), read_only=True) as connection:
        assert connection.sql("select distinct dataset from items").fetchall() == [("B",)]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"provenance": 1}', '{"provenance": {"another": "version"}}']
)
def test_a_record_without_provenance_is_damaged(warehouse: Warehouse, text: str) -> None:
    """It is damaged whether or not it is JSON."""
    file = warehouse.paths.file("evaluation_report", "A")
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(
        DamagedError, match=r"report\.json is damaged .* materialize evaluation_rep"
    ):
        warehouse.find_provenance("evaluation_report", "A")
