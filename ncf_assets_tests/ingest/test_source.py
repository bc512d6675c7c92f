"""The files of a dataset, and their lines, read by one process or by one task for each file."""

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.compression import UNPACKED_LIMIT, SourceError
from ncf_assets.ingest.reader import Batch
from ncf_assets.ingest.source import batches, files_of, fingerprint, rows, signature
from ncf_assets.ingest.source import read as read_source
from ncf_assets_tests.ingest.corpus import changed

RULES = (Dataset("A", "A", "amazon-2014"), date(2026, 1, 1), UNPACKED_LIMIT)
GOOD, BAD = changed() + b"\n", b"none\n"


def read(files: list[Path]) -> Iterator[Batch]:
    """Read files, none of which is a table."""
    with duckdb.connect() as connection:
        yield from read_source(files, *RULES, connection)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two files of reviews, and with files and a folder that do not count."""
    (tmp_path / "b.json").write_bytes(GOOD + BAD)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(BAD + GOOD + GOOD, 1))
    for name in ("_SUCCESS", ".b.json.crc"):
        (tmp_path / name).touch()
    (tmp_path / "year=2014").mkdir()
    return tmp_path


def test_a_folder_is_its_files_by_name(folder: Path) -> None:
    """Hidden files, Spark's marks and subfolders are left out."""
    assert [file.name for file in files_of(folder)] == ["a.json.gz", "b.json"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("*.json", ["b.json"]), ("b.json", ["b.json"]), ("?.*", ["a.json.gz", "b.json"]), ("c", [])],
)
def test_a_name_is_a_file_or_a_pattern(folder: Path, name: str, found: list[str]) -> None:
    """There may be no file that fits."""
    assert [file.name for file in files_of(folder / name)] == found


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    """The pattern [ab] would fit a and b, which are in the same folder."""
    for name in ("a", "b", "[ab]"):
        (tmp_path / name).touch()
    assert files_of(tmp_path / "[ab]") == [tmp_path / "[ab]"]


def test_a_renamed_file_changes_the_signature_of_its_folder(folder: Path) -> None:
    """The files then have another order; sizes and times are as before."""
    before = signature(folder)
    (folder / "a.json.gz").rename(folder / "c.json.gz")
    after = signature(folder)
    assert after["listing"] != before["listing"]
    assert after | {"listing": ""} == before | {"listing": ""}


def test_a_fingerprint_depends_on_the_files_and_their_order(folder: Path) -> None:
    """One file, both files, and both in the other order have three fingerprints."""
    one, other = files_of(folder)
    assert len({fingerprint(files) for files in ([one], [one, other], [other, one])}) == 3


def lines(found: Iterator[Batch]) -> list[tuple[list[int], list[int]]]:
    """Return the numbers of the accepted and the rejected lines of each batch."""
    return [(b.accepted["line"].to_pylist(), b.rejected["line"].to_pylist()) for b in found]


def test_lines_are_numbered_through_all_files(folder: Path) -> None:
    """The first file has three lines, of which the first is rejected; the second has two."""
    assert lines(read(files_of(folder))) == [([2, 3], [1]), ([4], [5])]


def test_tasks_give_what_one_process_reads(folder: Path) -> None:
    """All rows and their order are the same, however the rows of one file are cut."""
    files = files_of(folder)
    by_task = [row for part in (0, 1) for row in rows(files, *RULES, part)]
    for made in (by_task, [batch.slice(n, 1) for batch in by_task for n in range(len(batch))]):
        for kind in ("accepted", "rejected"):
            found = pa.Table.from_batches([getattr(batch, kind) for batch in batches(made)])
            expected = [getattr(batch, kind) for batch in read(files)]
            assert found == pa.Table.from_batches(expected)


def test_a_file_that_a_task_cannot_read_raises_the_same_error(folder: Path) -> None:
    """The rows of the file before it come first."""
    (folder / "b.json").write_bytes(b"")
    files = files_of(folder)
    made = batches(row for part in (0, 1) for row in rows(files, *RULES, part))
    assert len(lines(next(made) for _ in range(2))) == 2
    with pytest.raises(SourceError, match=r"b\.json is empty\. Download it again"):
        next(made)
