"""`ncf-assets doctor` after a bad day: what it finds, what it mends, what it leaves to a person."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.checkpoints import TRAINING
from ncf_assets.warehouse.claims import claim
from ncf_assets.warehouse.memory import export_spill
from ncf_assets_tests.cli.commands import BIN, environment, ncf, tiny_folder

pytestmark = pytest.mark.slow  # each command is a process of its own
SELECTED = "+negatives,ials_model"  # what needs no TensorFlow


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables up to the negatives, and a model; the doctor has nothing to say."""
    data = tiny_folder(tmp_path_factory.mktemp("healthy"))
    config = ["--config", str(data / "run.yaml")]
    done = ncf(data, "materialize", "Sample", "--select", SELECTED, *config)
    assert done.returncode == 0, done.stdout + done.stderr
    examined = ncf(data, "doctor")
    assert (examined.returncode, examined.stdout) == (0, "nothing is wrong\n"), examined.stderr
    return data


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    shutil.copytree(healthy, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "warehouse.duckdb").unlink()  # its views name the other folder
    Warehouse(tmp_path).refresh_catalogue()
    return tmp_path


def killed_run(data: Path) -> str:
    """The id of a run of `ncf-assets materialize` that was killed under way."""
    call = [str(BIN / "ncf-assets"), "materialize", "Sample", "--select", "+train"]
    with subprocess.Popen(
        call,
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "raw_reviews" in line:
                break
        os.killpg(process.pid, signal.SIGKILL)
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return run.run_id


def told(data: Path, *words: str, code: int) -> str:
    """What `ncf-assets doctor` prints, ending with this code, in one line."""
    done = ncf(data, "doctor", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_what_a_killed_run_left_is_found_and_mended_on_request(
    data: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run itself, a half-written table, a checkpoint of old code, a catalogue that is gone.

    An export's, too.
    """
    run_id, place = killed_run(data), Warehouse(data)
    draft = place.folder("users", "Sample") / ".data.parquet.0123abcd.tmp"
    draft.write_text("half a table")
    spanning = place.folder("leaderboard", EVERY) / ".data.parquet.4567cdef.tmp"
    spanning.parent.mkdir(parents=True, exist_ok=True)
    spanning.write_text("half a table")
    training = b'{"code": "of another version", "inputs": {}, "config": {}}'
    place.write_checkpoint("gmf_model", "Sample", {TRAINING: np.frombuffer(training, np.uint8)})
    place.database.unlink()
    monkeypatch.setenv("NCF_SPILL_DIR", str(tmp_path_factory.mktemp("fast")))
    spill = export_spill(place.root)
    assert spill is not None
    exported = spill.with_name(".export.0123abcd.tmp")
    exported.mkdir(parents=True)
    expected = {
        f"a killed export left {exported}": "remove them",
        f"run {run_id} of Sample is shown as started, but its process is gone": "mark it as failed",
        f"a killed run of Sample left {draft}": "remove them",
        f"a killed run of a table of all datasets left {spanning}": "remove them",
        f"{place.checkpoint('gmf_model', 'Sample')} is of no use: the code of gmf_model has changed"
        " since": "remove it",
        f"{place.database} is missing": "rebuild it",
    }
    found = told(data, code=1)
    mended = told(data, "--fix", code=0)
    for what, remedy in expected.items():
        assert f"{what} --fix: {remedy}" in found
        assert f"{what} mended: {remedy}" in mended
    assert told(data, code=0) == "nothing is wrong"
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE


def test_the_next_run_shows_the_killed_one_as_failed(data: Path) -> None:
    """Without a daemon and without the doctor; and it does not wait for it."""
    run_id = killed_run(data)
    done = ncf(data, "materialize", "Sample", "--select", "raw_reviews")
    assert done.returncode == 0, done.stderr
    assert f"run {run_id} was killed; Dagster now shows it as failed" in done.stdout
    assert told(data, code=0) == "nothing is wrong"


def test_what_only_a_person_can_mend_is_named_with_the_command(data: Path) -> None:
    """A lost table, damaged ones, a lost model file, a dataset that nobody lists."""
    place = Warehouse(data)
    place.file("users", "Sample").unlink()
    table = place.file("train", "Sample")
    table.write_bytes(table.read_bytes()[:-9])
    (model,) = place.folder("ials_model", "Sample").glob("*.npz")
    model.unlink()
    shutil.copytree(place.folder("items", "Sample"), place.folder("items", "Old"))
    for table, dataset in (("leaderboard", EVERY), ("tuning", "Sample")):
        file = place.file(table, dataset)
        file.parent.mkdir(parents=True)
        file.write_text("no table")
    found = told(data, "--fix", code=1)
    for what in (
        "users of Sample is missing, from which interactions",
        "run `ncf-assets materialize Sample --select 'users+'`",
        f"{place.file('train', 'Sample')} is damaged",
        "run `ncf-assets materialize Sample --select 'train+'`",
        f"{model} is missing, though ials_model's record names it",
        f"{place.file('leaderboard', EVERY)} is damaged",
        "run `ncf-assets leaderboard`",
        f"{place.file('tuning', 'Sample')} is damaged",
        "run `ncf-assets tune Sample`",
        "there are files of dataset Old, which",
        "add a block [Old] there, or remove",
    ):
        assert what in found
    assert place.file("items", "Old").exists()


def test_a_dataset_at_work_is_left_out(data: Path) -> None:
    """Its half-written files are no leftovers."""
    place = Warehouse(data)
    with claim(place, "Sample", "run-1"):
        draft = place.folder("users", "Sample") / ".data.parquet.0123abcd.tmp"
        draft.touch()
        found = told(data, "--fix", code=0)
        assert found.startswith("Sample is left out: run run-1 (process")
        assert draft.exists()
