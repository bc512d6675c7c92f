"""What `status` tells of source files and of scores from outside; all else is tried in `cli`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import source
from ncf_assets.orchestration.staleness import outside_change, source_change
from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.outside_scores import OutsideScores
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.ingest.test_compression import nobody

HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"  # of `sha256sum`


@pytest.fixture
def file() -> Iterator[Path]:
    """A source file in a folder that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Path(folder) / "reviews.json"
        made.write_text("hello\n")
        yield made


def change(file: Path, read: dict[str, object], content: str = HELLO) -> str | None:
    """Of a file, against the facts and the hash of the one that was read."""
    provenance = Provenance("", 0, "", {"source": content}, {}, "", source=read)
    dataset = Dataset("Sample", "Sample", "amazon-2014", path=str(file))
    return source_change(Warehouse(file.parent), dataset, provenance)


def test_a_file_is_told_by_its_facts_else_by_its_hash(file: Path) -> None:
    """The same size and time are enough; another time is not, if the bytes are the same."""
    assert change(file, dict(source.signature(file)), "unread") is None
    assert change(file, {"size": 6, "mtime_ns": 0}) is None
    assert change(file, {"size": 6, "mtime_ns": 0}, "another") == "the source file has changed"


def test_a_file_that_is_gone_is_no_change(file: Path) -> None:
    """What was made from it is still as good."""
    file.unlink()
    assert change(file, {}) is None


def test_a_file_that_may_not_be_read_is_told(file: Path) -> None:
    """In place of a traceback."""
    file.chmod(0)
    with nobody():
        said = change(file, {})
    assert said is not None
    assert "reviews.json cannot be opened (Permission denied). Put the file there" in said


def test_scores_that_were_brought_replaced_or_taken_out_are_told(tmp_path: Path) -> None:
    """And so is a file of them that is damaged, with the remedy in place of a traceback."""
    place, dataset = Warehouse(tmp_path), Dataset("Sample", "Sample", "amazon-2014")
    origin = OutsideScores("scores.csv", "ab" * 32, "score", 1)

    def told(**ranked: dict[str, object]) -> str | None:
        config = {"outside": ranked} if ranked else {}
        return outside_change(place, dataset, Provenance("", 0, "", {}, config, ""))

    assert told() is None
    assert told(mine=origin.to_json()) == "what was brought from outside has changed: mine"
    with duckdb.connect() as connection:
        outside_scores.keep(place, "Sample", "mine", connection, "select 1 as score", origin)
    assert told(mine=origin.to_json()) is None
    for ranked in ({}, {"mine": {**origin.to_json(), "sha256": "cd" * 32}}):
        assert told(**ranked) == "what was brought from outside has changed: mine"
    outside_scores.path(place, "Sample", "mine").write_bytes(b"PAR1")
    assert str(told()).endswith("Take it out: ncf-assets evaluate Sample --remove mine")
