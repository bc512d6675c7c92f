"""Versions of models and tables: the newest stay, and always the current one."""

import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.warehouse.parquet import verify
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.versions import keep, kept_versions, model_versions, table_versions
from ncf_assets.warehouse.warehouse import Warehouse


def publish(warehouse: Warehouse, content: str, written: int, **record: str) -> Path:
    """Publish a model whose file was last written at a time in seconds."""
    provenance = Provenance(
        content_hash=content, rows=0, code_version="c", input_hashes={}, config={}, run_id="r"
    )
    with warehouse.stage_model("gmf_model", "A") as path:
        path.write_text(content)
        os.utime(path, (written, written))
        return warehouse.publish_model("gmf_model", "A", [path], provenance, record)


def versions(warehouse: Warehouse) -> set[str]:
    """Return the contents of the model files that exist."""
    return {path.read_text() for path in warehouse.paths.folder("gmf_model", "A").glob("*.keras")}


@pytest.mark.parametrize(("kept", "left"), [(1, "d"), (2, "cd"), (3, "bcd"), (9, "abcd")])
def test_the_newest_versions_stay(tmp_path: Path, kept: int, left: str) -> None:
    """As many stay as the setting says, and the current one is among them."""
    warehouse = Warehouse(tmp_path, model_versions=kept)
    for written, content in enumerate("abcd"):
        publish(warehouse, content, written)
    assert versions(warehouse) == set(left)
    assert warehouse.record("gmf_model", "A")["file"] == "gmf-d.keras"


def test_the_current_version_stays_however_old_its_file_seems(tmp_path: Path) -> None:
    """The clock was set back, or the model is the same as an earlier one."""
    warehouse = Warehouse(tmp_path, model_versions=2)
    publish(warehouse, "a", 100)
    publish(warehouse, "b", 200)
    publish(warehouse, "c", 50)
    assert versions(warehouse) == {"b", "c"}
    publish(warehouse, "b", 10)
    assert versions(warehouse) == {"b", "c"}
    assert warehouse.record("gmf_model", "A")["file"] == "gmf-b.keras"


def test_the_saved_model_that_the_record_names_outlives_trainings_that_fail(
    tmp_path: Path,
) -> None:
    """A failed training leaves one that no record names; the next success replaces it.

    Its number is higher, as TF Serving takes the highest.
    """
    warehouse = Warehouse(tmp_path, model_versions=1)
    warehouse.paths.folder("gmf_model", "A").mkdir(parents=True)
    for content in "abc":
        with warehouse.saved_model("gmf_model", "A") as (folder, name):
            folder.mkdir()
            (folder / "saved_model.pb").touch()
        if content != "b":
            publish(warehouse, content, 0, saved_model=name)
        numbers = warehouse.paths.saved_models("gmf_model", "A").glob("*")
        there = {f"saved_model/{path.name}" for path in numbers}
        assert warehouse.record("gmf_model", "A")["saved_model"] in there
    assert there == {"saved_model/3"}


NUMBERS = [("NCF_MODEL_VERSIONS", model_versions), ("NCF_TABLE_VERSIONS", table_versions)]


@pytest.mark.parametrize(("variable", "number"), NUMBERS)
def test_the_number_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, number: Callable[[], int]
) -> None:
    """Without the variable it is two."""
    monkeypatch.setenv(variable, "7")
    assert number() == 7
    monkeypatch.delenv(variable)
    assert number() == 2


@pytest.mark.parametrize(("variable", "number"), NUMBERS)
@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_keeping_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, number: Callable[[], int], text: str
) -> None:
    """The message has the rule, the finding and the remedy."""
    monkeypatch.setenv(variable, text)
    refused = rf"{variable} must be a whole number from 1, found '.+'\. Correct it, or unset"
    with pytest.raises(ValueError, match=refused):
        number()


def publish_table(warehouse: Warehouse, item: str) -> None:
    """Publish a table of one item."""
    with warehouse.stage_table("items", "A") as staged:
        rows = {"item": [0], "item_id": [item], "n_interactions": [1]}
        staged.write([pa.RecordBatch.from_pydict(rows)])
        staged.seal(code_version="c", input_hashes={}, config={}, run_id=item)
        warehouse.publish_tables([staged], "A")


def items_before(warehouse: Warehouse) -> str:
    """Return the item of each version before the current one, the newest first."""
    files = warehouse.previous_versions("items", "A")
    return "".join(pq.read_table(file)["item_id"][0].as_py() for file in files)


@pytest.mark.parametrize(("kept", "before"), [(1, ""), (2, "c"), (3, "cb"), (9, "cba")])
def test_the_newest_versions_of_a_table_stay(tmp_path: Path, kept: int, before: str) -> None:
    """The current one has the name that all read, and it is not among those before."""
    warehouse = Warehouse(tmp_path, table_versions=kept)
    for item in "abcd":
        publish_table(warehouse, item)
    assert items_before(warehouse) == before
    assert list(warehouse.read("items", "A")["item_id"]) == ["d"]
    assert (tmp_path / "previous/items/dataset=A").exists() == (kept > 1)


def test_fewer_versions_are_kept_from_the_next_publishing_on(tmp_path: Path) -> None:
    """The number was lowered."""
    for item in "abc":
        publish_table(Warehouse(tmp_path, table_versions=3), item)
    publish_table(warehouse := Warehouse(tmp_path, table_versions=2), "d")
    assert items_before(warehouse) == "c"


def test_a_version_is_kept_once_however_often_a_run_is_killed(tmp_path: Path) -> None:
    """Each of two runs was killed after it had kept the current file, and published nothing."""
    warehouse = Warehouse(tmp_path, table_versions=3)
    publish_table(warehouse, "a")
    publish_table(warehouse, "b")
    folder = warehouse.paths.previous("items", "A")
    for _ in range(2):
        keep(warehouse.paths.file("items", "A"), folder)
        assert items_before(warehouse) == "a"
    publish_table(warehouse, "c")
    assert items_before(warehouse) == "ba"


PUBLISH_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.warehouse.test_versions import publish_table
print("begun", flush=True)
for n in count(int(sys.argv[2])):
    publish_table(Warehouse(Path(sys.argv[1]), table_versions=3), f"{n} ")
"""


@pytest.mark.process
def test_kills_neither_tear_a_version_nor_lose_one(tmp_path: Path) -> None:
    """Whenever a process that publishes is killed, the two versions before the current are there.

    They are complete, and none is skipped.
    """
    warehouse, random_, first = Warehouse(tmp_path, table_versions=3), random.Random(5), 1
    for _ in range(3):
        call = [sys.executable, "-c", PUBLISH_FOR_EVER, str(tmp_path), str(first)]
        with subprocess.Popen(call, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(1 + random_.random())
            process.kill()
        current = warehouse.paths.file("items", "A")
        for file in (current, *kept_versions(warehouse.paths.previous("items", "A"))):
            verify(file)
        n = int(warehouse.read("items", "A")["item_id"][0])
        assert n > first + 2
        newest, older, *oldest = items_before(warehouse).split()
        assert (newest, older) == (str(n - 1), str(n - 2))
        assert len(oldest) <= 1  # the next publishing removes it
        first = n + 1


def test_a_file_system_without_second_names_gets_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with exFAT, or where `previous` is a link to another disk."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    warehouse = Warehouse(tmp_path)
    publish_table(warehouse, "a")
    publish_table(warehouse, "b")
    assert items_before(warehouse) == "a"
    assert len(list(warehouse.paths.previous("items", "A").iterdir())) == 1


def test_a_damaged_version_is_none(tmp_path: Path) -> None:
    """It was damaged when it was in place, so the table was made again."""
    warehouse = Warehouse(tmp_path)
    publish_table(warehouse, "a")
    warehouse.paths.file("items", "A").write_bytes(b"half a file")
    publish_table(warehouse, "b")
    assert len(kept_versions(warehouse.paths.previous("items", "A"))) == 1
    assert warehouse.previous_versions("items", "A") == []
