"""Finding what is damaged or out of step: tables and the catalogue."""

import os
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ncf_assets.warehouse import DamagedError, Warehouse, catalogue
from ncf_assets.warehouse.parquet import verify
from ncf_assets_tests.warehouse.test_warehouse import write


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse."""
    return Warehouse(tmp_path)


def faults(warehouse: Warehouse) -> list[str]:
    """In what the catalogue does not show the tables that there are."""
    return catalogue.faults(warehouse.database, warehouse.root)


def test_a_catalogue_out_of_step_is_told_view_by_view(warehouse: Warehouse) -> None:
    """A table without a view, a view without files, a half-built file; then none, once rebuilt."""
    assert faults(warehouse) == []
    write(warehouse, "A")
    assert faults(warehouse) == []
    warehouse.file("items", "A").rename(warehouse.root / "away.parquet")
    with warehouse.draft("users", "A") as draft:
        draft.finish(code="c", inputs={}, config={}, run_id="r")
        draft.publish()  # and killed before the catalogue is refreshed
    warehouse.database.with_suffix(".duckdb.new").touch()
    assert faults(warehouse) == [
        "has no view for table users",
        "shows table items, of which there are no files",
        "has a half-built one beside it, which a killed run left",
    ]
    catalogue.rebuild(warehouse.database, warehouse.root)
    assert faults(warehouse) == []


def test_a_damaged_or_missing_catalogue_is_rebuilt(warehouse: Warehouse) -> None:
    """Even if its size and time say that it is the one that was built."""
    write(warehouse, "A")
    facts = warehouse.database.stat()
    with warehouse.database.open("r+b") as file:
        file.write(b"\0" * 8192)
    os.utime(warehouse.database, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert faults(warehouse)[0].startswith("cannot be opened")
    catalogue.rebuild(warehouse.database, warehouse.root)
    assert faults(warehouse) == []
    warehouse.database.unlink()
    assert faults(warehouse) == ["is missing"]


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_flipped_bit_in_the_rows_is_found(warehouse: Warehouse, column: int) -> None:
    """In the last byte of a column, which may still read, as another value."""
    write(warehouse)
    file = warehouse.file("items", "A")
    verify(file)
    chunk = pq.read_metadata(file).row_group(0).column(column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content = bytearray(file.read_bytes())
    content[start + chunk.total_compressed_size - 1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedError, match=r"data\.parquet is damaged"):
        verify(file)


def test_a_file_that_is_cut_off_is_found(warehouse: Warehouse) -> None:
    """As a full disk or a copy that was broken off leaves it."""
    write(warehouse)
    file = warehouse.file("items", "A")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedError, match=r"data\.parquet is damaged"):
        verify(file)


def test_a_damaged_footer_breaks_nothing_else(warehouse: Warehouse) -> None:
    """Wherever the byte is; the views show the other datasets."""
    write(warehouse, "A")
    write(warehouse, "B")
    file = warehouse.file("items", "A")
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    told = set()
    for at in range(len(content) - 8 - length, len(content)):
        file.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        try:
            warehouse.stamp("items", "A")
            warehouse.has_its_columns("items", "A")
        except DamagedError as error:
            told.add(str(error))
    assert told == {
        f"{file} is damaged or was not written by NCF Assets; remove it and materialize the table"
        " again"
    }
    file.write_bytes(content[:-12] + b"\xff" * 4 + content[-8:])
    catalogue.rebuild(warehouse.database, warehouse.root)
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        assert connection.sql("select distinct dataset from items").fetchall() == [("B",)]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"stamp": 1}', '{"stamp": {"another": "version"}}']
)
def test_a_record_without_a_stamp_is_damaged(warehouse: Warehouse, text: str) -> None:
    """Whether or not it is JSON."""
    file = warehouse.file("evaluation_report", "A")
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(
        DamagedError, match=r"report\.json is damaged .* materialize evaluation_rep"
    ):
        warehouse.find_stamp("evaluation_report", "A")
