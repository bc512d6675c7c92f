"""Versions of a model in its folder: the newest stay, and always the current one."""

import os
from pathlib import Path

import pytest

from ncf_assets.warehouse.model_versions import model_versions
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse


def publish(warehouse: Warehouse, content: str, written: int, **record: str) -> Path:
    """Publish a model whose file was last written at a time in seconds."""
    provenance = Provenance(
        content_hash=content, rows=0, code_version="c", input_hashes={}, config={}, run_id="r"
    )
    with warehouse.stage_model("gmf_model", "A") as path:
        path.write_text(content)
        os.utime(path, (written, written))
        return warehouse.publish_model("gmf_model", "A", path, provenance, record)


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


def test_the_number_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable it is two."""
    monkeypatch.setenv("NCF_MODEL_VERSIONS", "7")
    assert model_versions() == 7
    monkeypatch.delenv("NCF_MODEL_VERSIONS")
    assert model_versions() == 2


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_keeping_no_model_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The message has the rule, the finding and the remedy."""
    monkeypatch.setenv("NCF_MODEL_VERSIONS", text)
    refused = r"a whole number from 1, found '.+'\. Correct it, or unset"
    with pytest.raises(ValueError, match=refused):
        model_versions()
