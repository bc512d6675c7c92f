"""`ncf-assets doctor` after a bad day: what it finds, what it fixes, what a person must do."""

import json
import os
import shutil
import signal
import subprocess
from datetime import datetime
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ncf_assets.doctor.partitions import web_pages
from ncf_assets.orchestration.checkpoints import KEY, SAME
from ncf_assets.warehouse.dataset_lock import dataset_lock
from ncf_assets.warehouse.duckdb_limits import export_spill
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf, start, tiny_folder
from ncf_assets_tests.running import failed_partitions

pytestmark = pytest.mark.process
SELECTED = "+negatives,ials_model"  # what needs no TensorFlow


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<HTML><head><TITLE>\nSign in</TITLE>", "page (Sign in), not a file of reviews"),
        (b'<?xml version="1.0"?><Error>', "page, not a file of reviews"),
        (b"\xef\xbb\xbf <!doctype html>", "page, not a file of reviews"),
    ],
)
def test_what_a_download_would_refuse_as_a_web_page_is_found(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """In capitals, in XML as stores send it, and after a byte order mark."""
    place = Warehouse(tmp_path)
    place.paths.raw.mkdir()
    (place.paths.raw / "a.json.gz").write_bytes(content)
    (place.paths.raw / "b.json").write_bytes(b"{}")
    (finding,) = web_pages(place)
    assert finding.what == f"{place.paths.raw}/a.json.gz is a web {said}"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables up to the negatives, and a model; the doctor finds nothing wrong."""
    data = tiny_folder(tmp_path_factory.mktemp("healthy"))
    config = ["--config", str(data / "run.yaml")]
    done = ncf(data, "materialize", "Sample", "--select", SELECTED, *config)
    assert done.returncode == 0, done.stdout + done.stderr
    examined = ncf(data, "doctor")
    assert (examined.returncode, examined.stdout) == (
        0,
        f"data folder: {data}\nnothing is wrong\n",
    ), examined.stderr
    return data


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """Return a copy to break."""
    shutil.copytree(healthy, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "warehouse.duckdb").unlink()  # its views name the other folder
    Warehouse(tmp_path).refresh_catalogue()
    return tmp_path


def killed_run(data: Path) -> str:
    """Kill a run of `ncf-assets materialize` under way, and return its id."""
    words = ["ncf-assets", "materialize", "Sample", "--select", "+train"]
    with start(data, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "raw_reviews" in line:
                break
        os.killpg(process.pid, signal.SIGKILL)
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return run.run_id


def printed(data: Path, *words: str, code: int) -> str:
    """Return what `ncf-assets doctor` finds, in one line; it must end with this exit code."""
    done = ncf(data, "doctor", *words)
    assert done.returncode == code, done.stdout + done.stderr
    folder, _, found = done.stdout.partition("\n")
    assert folder == f"data folder: {data}"
    return " ".join(found.split())


def test_what_a_killed_run_left_is_found_and_fixed_on_request(
    data: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left its own record, half a table, a checkpoint of old code, and no catalogue.

    A killed export left a folder.
    """
    run_id, place = killed_run(data), Warehouse(data)
    staged = place.paths.folder("users", "Sample") / ".data.parquet.0123abcd.tmp"
    staged.write_text("half a table")
    global_staged = place.paths.folder("leaderboard", ALL_DATASETS) / ".data.parquet.4567cdef.tmp"
    global_staged.parent.mkdir(parents=True, exist_ok=True)
    global_staged.write_text("half a table")
    training = b'{"code_version": "another", "input_hashes": {}, "weights": {}}'
    place.write_checkpoint("gmf_model", "Sample", {KEY: np.frombuffer(training, np.uint8)})
    place.paths.database.unlink()
    monkeypatch.setenv("NCF_DUCKDB_TEMP_DIR", str(tmp_path_factory.mktemp("fast")))
    spill = export_spill(place.root)
    assert spill is not None
    exported = spill.with_name(".export.0123abcd.tmp")
    exported.mkdir(parents=True)
    expected = {
        f"a killed export left {exported}": "remove them",
        f"run {run_id} of Sample is shown as started, but its process is gone": "mark it as failed",
        f"a killed run of Sample left {staged}": "remove them",
        f"a killed run of a table of all datasets left {global_staged}": "remove them",
        f"{place.paths.checkpoint('gmf_model', 'Sample')} is of no use: the code of gmf_model has"
        " changed since": "remove it",
        f"{place.paths.database} is missing": "rebuild it",
    }
    found = printed(data, code=1)
    fixed = printed(data, "--fix", code=0)
    for what, remedy in expected.items():
        assert f"{what} --fix: {remedy}" in found
        assert f"{what} fixed: {remedy}" in fixed
    assert printed(data, code=0) == "nothing is wrong"
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE


def test_the_next_run_shows_the_killed_one_as_failed(data: Path) -> None:
    """It needs neither a daemon nor the doctor for that, and does not wait for the killed run."""
    run_id = killed_run(data)
    done = ncf(data, "materialize", "Sample", "--select", "raw_reviews")
    assert done.returncode == 0, done.stderr
    assert f"run {run_id} was killed; Dagster now shows it as failed" in done.stdout
    assert printed(data, code=0) == "nothing is wrong"


def test_what_only_a_person_can_fix_is_named_with_the_command(data: Path) -> None:
    """These are a lost table, damaged ones, a lost model file, and a dataset that is not listed."""
    place = Warehouse(data)
    place.paths.file("users", "Sample").unlink()
    table = place.paths.file("train", "Sample")
    table.write_bytes(table.read_bytes()[:-9])
    (model,) = place.paths.folder("ials_model", "Sample").glob("*.npz")
    model.unlink()
    shutil.copytree(place.paths.folder("items", "Sample"), place.paths.folder("items", "Old"))
    for table, dataset in (("leaderboard", ALL_DATASETS), ("tuning_trials", "Sample")):
        file = place.paths.file(table, dataset)
        file.parent.mkdir(parents=True)
        file.write_text("no table")
    found = printed(data, "--fix", code=1)
    for what in (
        "users of Sample is missing, though it was read for interactions",
        "run `ncf-assets materialize Sample --select 'users+'`",
        f"{place.paths.file('train', 'Sample')} is damaged",
        "run `ncf-assets materialize Sample --select 'train+'`",
        f"{model} is missing, though ials_model's record names it",
        f"{place.paths.file('leaderboard', ALL_DATASETS)} is damaged",
        "run `ncf-assets leaderboard`",
        f"{place.paths.file('tuning_trials', 'Sample')} is damaged",
        "run `ncf-assets tune Sample`",
        "there are files of dataset Old, which",
        "add a block [Old] there, or remove",
    ):
        assert what in found
    assert place.paths.file("items", "Old").exists()


def test_a_checkpoint_is_of_no_use_once_the_same_training_has_ended(data: Path) -> None:
    """A newer one is of the training that is made again, which the next run resumes."""
    place = Warehouse(data)
    made = place.get_provenance("ials_model", "Sample")
    key = {name: getattr(made, name) for name in SAME} | {"weights": {}}
    place.write_checkpoint(
        "ials_model", "Sample", {KEY: np.frombuffer(json.dumps(key).encode(), np.uint8)}
    )
    file = place.paths.checkpoint("ials_model", "Sample")
    later = datetime.fromisoformat(made.written_at).timestamp() + 60
    os.utime(file, (later, later))
    assert printed(data, code=0) == "nothing is wrong"
    os.utime(file, (0, 0))
    assert f"{file} is of no use: the training has ended since" in printed(data, code=1)


def test_no_dataset_is_a_stranger_while_the_registry_cannot_be_read(data: Path) -> None:
    """The block of Old may be in the file that is no TOML; nobody is told to remove Old."""
    place = Warehouse(data)
    shutil.copytree(place.paths.folder("items", "Sample"), place.paths.folder("items", "Old"))
    (data / "datasets.local.toml").write_text("[Old")
    assert "Old" not in printed(data, code=1)


@pytest.mark.parametrize("made_since", [None, "raw_reviews"])
def test_what_a_failed_run_left_in_the_ui_is_taken_back_where_nothing_was_published(
    data: Path, made_since: str | None
) -> None:
    """The run goes, and no partition is shown as failed any more, also where that was looked at.

    So it is if a part of what it should have made was made since.
    """
    source = data / "tiny.json"
    reviews = source.read_text()
    source.write_text("no review\n")
    assert ncf(data, "materialize", "Sample").returncode == 1
    source.write_text(reviews)
    if made_since:
        assert ncf(data, "materialize", "Sample", "--select", made_since).returncode == 0
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert "evaluation_report" in failed_partitions(instance)
        found = printed(data, "--fix", code=0)
        assert "failed, and nothing has been published since of" in found
        assert "fixed: remove the run, so that the UI shows nothing as failed" in found
        assert failed_partitions(instance) == {}


def test_a_dataset_at_work_is_left_out(data: Path) -> None:
    """Its half-written files are not orphaned."""
    place = Warehouse(data)
    with dataset_lock(place, "Sample", "run-1"):
        staged = place.paths.folder("users", "Sample") / ".data.parquet.0123abcd.tmp"
        staged.touch()
        found = printed(data, "--fix", code=0)
        assert found.startswith("Sample is left out: run run-1 (process")
        assert staged.exists()
