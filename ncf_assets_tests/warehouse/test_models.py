"""Versions of a model in its folder: which stay, and never without the current one."""

import os
from pathlib import Path

import pytest

from ncf_assets.warehouse import Stamp, Warehouse, models_kept


def publish(warehouse: Warehouse, content: str, written: int, **facts: str) -> Path:
    """A model whose file was last written at a time in seconds."""
    stamp = Stamp(content=content, rows=0, code="c", inputs={}, config={}, run_id="r")
    with warehouse.unsaved_model("gmf_model", "A") as path:
        path.write_text(content)
        os.utime(path, (written, written))
        return warehouse.publish_model("gmf_model", "A", path, stamp, facts)


def versions(warehouse: Warehouse) -> set[str]:
    """The contents of the model files that are there."""
    return {path.read_text() for path in warehouse.folder("gmf_model", "A").glob("*.keras")}


@pytest.mark.parametrize(("kept", "left"), [(1, "d"), (2, "cd"), (3, "bcd"), (9, "abcd")])
def test_the_newest_versions_stay(tmp_path: Path, kept: int, left: str) -> None:
    """As many as the setting says, the current one among them."""
    warehouse = Warehouse(tmp_path, models_kept=kept)
    for written, content in enumerate("abcd"):
        publish(warehouse, content, written)
    assert versions(warehouse) == set(left)
    assert warehouse.record("gmf_model", "A")["file"] == "gmf-d.keras"


def test_the_current_version_stays_however_old_its_file_seems(tmp_path: Path) -> None:
    """A clock that was set back, and a model that came out as an earlier one did."""
    warehouse = Warehouse(tmp_path, models_kept=2)
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
    """Each leaves one that no record names; the next that succeeds takes its place."""
    warehouse = Warehouse(tmp_path, models_kept=1)
    for content in "abc":
        with warehouse.saved_model("gmf_model", "A", content) as folder:
            folder.mkdir()
            (folder / "saved_model.pb").touch()
        if content != "b":
            publish(warehouse, content, 0, saved_model=f"gmf-{content}.saved_model")
        there = {path.name for path in warehouse.folder("gmf_model", "A").glob("*.saved_model")}
        assert warehouse.record("gmf_model", "A")["saved_model"] in there
    assert there == {"gmf-c.saved_model"}


def test_the_number_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two where nothing is said."""
    monkeypatch.setenv("NCF_MODELS_KEPT", "7")
    assert models_kept() == 7
    monkeypatch.delenv("NCF_MODELS_KEPT")
    assert models_kept() == 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_keeping_no_model_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The message has rule, finding and remedy."""
    monkeypatch.setenv("NCF_MODELS_KEPT", text)
    with pytest.raises(
        ValueError, match=r"a whole number from 1, found '.+'; correct it, or unset"
    ):
        models_kept()
