"""What an attacker could try: hostile text, files that run code, names that lead elsewhere."""

import ast
import json
import pickle
import pickletools
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import materialize
from ncf_assets_tests.test_layers import PACKAGE, imported
from ncf_assets_tests.tiny import reviews

ROOT = PACKAGE.parent
# their files run code when they are read
UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
HOSTILE = "<script>alert('x')</script>"


def pickles(folder: Path) -> list[str]:
    """The files below a folder, and the members of archives among them, that are pickles."""
    return [name for name, content in contents(folder) if is_pickle(content)]


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, and of each member of a .keras or .npz archive."""
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        yield str(file.relative_to(folder)), file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    yield f"{file.name}/{name}", archive.read(name)


def is_pickle(content: bytes) -> bool:
    """Whether the bytes are a program of pickle's machine, of any protocol, to its end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on escapes in what is no pickle's text
            *_, (last, _, place) = pickletools.genops(content)
    except (ValueError, UnicodeDecodeError, IndexError, OverflowError):
        return False
    return last.name == "STOP" and place + 1 == len(content)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_would_be_found(tmp_path: Path, protocol: int) -> None:
    """As a file, and within an archive; text and JSON are none."""
    (tmp_path / "result").write_bytes(pickle.dumps({"a": [1.5]}, protocol))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("array.npy", pickle.dumps([1], protocol))
    (tmp_path / "record.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "empty").touch()
    assert sorted(pickles(tmp_path)) == ["a.npz/array.npy", "result"]


@pytest.mark.process
def test_a_whole_run_writes_no_pickle_and_renders_no_markup(tmp_path: Path) -> None:
    """With an instance on the disk: tables, models, report, and what Dagster stores.

    Ids and the dataset's title hold a script, which the report shows as text.
    """
    data = tmp_path / "data"
    data.mkdir()
    (data / "datasets.toml").write_text(
        f'[Sample]\nformat = "amazon-2014"\npath = "odd.json"\ntitle = "{HOSTILE}"\n'
    )
    warehouse = Warehouse(data)
    lines = [line | {"asin": HOSTILE + line["asin"]} for line in reviews()]
    (data / "odd.json").write_text("\n".join(map(json.dumps, lines)))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        assert materialize(warehouse, instance).success
    stored = list(contents(tmp_path))
    for expected in ("neumf-", "runs.db", "data.parquet", "report.html", "config.json"):
        assert any(expected in name for name, _ in stored)
    assert [name for name, content in stored if is_pickle(content)] == []
    report = warehouse.paths.folder("evaluation_report", "Sample")
    for name in ("report.html", "report.md"):
        text = (report / name).read_text()
        assert "alert(" in text
        assert "<script" not in text


def test_nothing_imports_what_runs_code_when_it_is_read() -> None:
    """Nor allows numpy to."""
    for file in PACKAGE.rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(file)} & UNSAFE, file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
                assert isinstance(node.value, ast.Constant)
                assert node.value.value is (node.arg == "safe_mode"), file


@pytest.mark.process
def test_a_model_that_holds_code_is_not_loaded(tmp_path: Path) -> None:
    """Keras's safe mode refuses a lambda of Python's byte code."""
    import keras

    from ncf_assets.ncf.models import neumf

    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    model.save(tmp_path / "a.keras")
    with pytest.raises(ValueError, match="unsafe"):
        neumf.load(tmp_path / "a.keras")


@pytest.mark.parametrize("file", ["../../secret.keras", "/etc/passwd", "..", ""])
def test_a_record_leads_to_no_file_outside_its_folder(tmp_path: Path, file: str) -> None:
    """A model.json that was tampered with; the error says what to do."""
    warehouse = Warehouse(tmp_path)
    warehouse.publish_texts(
        "gmf_model",
        "A",
        {},
        {
            "file": file,
            "provenance": {
                "content_hash": "",
                "rows": 0,
                "code_version": "",
                "input_hashes": {},
                "config": {},
                "run_id": "",
            },
        },
    )
    inputs = Inputs(warehouse, "A", ["gmf_model"])
    with pytest.raises(
        DamagedError, match=r"names .+, which is no file of its folder\. Materialize"
    ):
        inputs.model_file("gmf_model")


def test_the_ui_is_for_this_machine_unless_asked_otherwise() -> None:
    """What `make ui` would run."""
    for asked, host in (([], "127.0.0.1"), (["HOST=0.0.0.0"], "0.0.0.0")):  # noqa: S104
        shown = subprocess.run(
            ["make", "--dry-run", "ui", *asked],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"--host {host} --port 3000" in shown.stdout


def test_security_md_names_what_the_project_promises() -> None:
    """The points that the tests here and elsewhere hold."""
    text = " ".join((ROOT / "SECURITY.md").read_text().split())
    for words in ("127.0.0.1", "pickle", "safe mode", "escaped", "make audit", "parameters"):
        assert words in text
