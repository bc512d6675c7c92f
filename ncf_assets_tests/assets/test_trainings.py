"""A training as its user meets it: killed and gone on with, watched, and handed on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tensorflow as tf
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ncf_assets.ncf.models import neumf
from ncf_assets.orchestration.checkpoints import SET_ASIDE
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.assets.trained import MODEL, UPSTREAM, kept_epochs, record, split
from ncf_assets_tests.cli.commands import environment, ncf, start
from ncf_assets_tests.docs.texts import block_of_any
from ncf_assets_tests.paths import ROOT
from ncf_assets_tests.serving import free_port
from ncf_assets_tests.tiny import CONFIG, copied

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]
EPOCHS = 60


def configure(data: Path, **training: Any) -> Path:
    """A run configuration whose MLP is trained for long, and once: `test_fits` has the second."""
    config = {"layers": [4, 2], "batch_size": 16, "epochs": EPOCHS, "patience": EPOCHS}
    config |= {"refit": False} | training
    ops = CONFIG["ops"] | {MODEL: {"config": config}}
    file = data / "long.yaml"
    file.write_text(yaml.safe_dump({"ops": ops}))
    return file


def train(data: Path, **training: Any) -> str:
    """Materialize the MLP; what the command said."""
    file = configure(data, **training)
    words = ["materialize", "Sample", "--select", MODEL, "--config", str(file)]
    done = ncf(data, *words, trains=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def killed_in_training(data: Path) -> int:
    """Start a training and kill its process group once some epochs are kept; epochs then kept."""
    words = ["materialize", "Sample", "--select", MODEL, "--config", str(configure(data))]
    nowhere = subprocess.DEVNULL
    process = start(data, "ncf-assets", *words, trains=True, stdout=nowhere, stderr=nowhere)
    while process.poll() is None and kept_epochs(data) < 5:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the training ended before it could be killed"
    return kept_epochs(data)


@pytest.fixture(scope="module")
def undisturbed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an MLP whose training nothing happened to."""
    data = split(made, tmp_path_factory.mktemp("undisturbed"))
    train(data)
    return data


@pytest.fixture(scope="module")
def killed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the same tables, and no model yet."""
    return split(made, tmp_path_factory.mktemp("killed"))


def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_happened(
    undisturbed: Path, killed: Path
) -> None:
    """A SIGKILL of the process group after 5 of 60 epochs or more; the same weights to the bit."""
    epochs = killed_in_training(killed)
    assert 5 <= epochs < EPOCHS
    said = train(killed)
    assert f"{MODEL}: going on after epoch {epochs}" in said
    mine, theirs = record(killed), record(undisturbed)
    assert mine["provenance"]["content_hash"] == theirs["provenance"]["content_hash"]
    figures = ("epoch", "loss", "validation_hr_at_10", "validation_ndcg_at_10")
    assert [[epoch[name] for name in figures] for epoch in mine["history"]] == [
        [epoch[name] for name in figures] for epoch in theirs["history"]
    ]
    assert not Warehouse(killed).paths.checkpoint(MODEL, "Sample").exists()


def test_a_changed_configuration_starts_afresh_and_says_so(killed: Path) -> None:
    """Killed as before, and gone on with another learning rate."""
    train(killed, epochs=1)  # so that the next is another training than the one in place
    killed_in_training(killed)
    said = train(killed, learning_rate=0.001)
    assert (
        "data, configuration, code or versions have changed since; training starts afresh" in said
    )
    assert "going on after epoch" not in said
    assert len(record(killed)["history"]) == 1 + EPOCHS


def test_a_damaged_checkpoint_is_not_trusted(killed: Path) -> None:
    """Cut in half, as after a power cut on a file system that keeps no order."""
    killed_in_training(killed)
    file = Warehouse(killed).paths.checkpoint(MODEL, "Sample")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    said = train(killed)
    assert f"{file} cannot be resumed (" in said
    assert f"It is set aside as {SET_ASIDE}, and training starts afresh." in said
    assert len(record(killed)["history"]) == 1 + EPOCHS
    found = ncf(killed, "doctor").stdout
    assert f"{file.with_name(SET_ASIDE)} is of no use: a run could not resume it" in found


def test_changed_data_start_afresh_and_say_so(killed: Path) -> None:
    """Killed as before; then the file of reviews loses two of user00's."""
    killed_in_training(killed)
    source = killed / "tiny.json"
    source.write_text(source.read_text().split("\n", 2)[2])
    words = ["--select", ",".join([*UPSTREAM, MODEL]), "--config", str(configure(killed))]
    done = ncf(killed, "materialize", "Sample", *words, trains=True)
    assert done.returncode == 0, done.stderr
    assert (
        "data, configuration, code or versions have changed since; training starts afresh"
        in done.stdout
    )
    assert "going on after epoch" not in done.stdout
    assert len(record(killed)["history"]) == 1 + EPOCHS


def test_tensorboard_shows_the_history(undisturbed: Path) -> None:
    """Its event files hold what training_history will."""
    (folder,) = Warehouse(undisturbed).paths.tensorboard(MODEL, "Sample").iterdir()
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})  # all of them
    events.Reload()
    history = record(undisturbed)["history"]
    for name, first in (("loss", 1), ("validation_ndcg_at_10", 0)):
        shown = events.Tensors(name)
        assert [event.step for event in shown] == list(range(first, 1 + EPOCHS))
        values = [float(tf.make_ndarray(event.tensor_proto)) for event in shown]
        np.testing.assert_allclose(values, [epoch[name] for epoch in history[first:]], rtol=1e-6)


def test_a_saved_model_serves_in_plain_tensorflow(made: Path, tmp_path: Path) -> None:
    """The documented request, in a process without Keras models and without ncf_assets."""
    copied(made, tmp_path)
    config = tmp_path / "saved.yaml"
    config.write_text("ops: {served_model: {config: {saved_model: true}}}")
    words = ["materialize", "Sample", "--select", "served_model", "--config", str(config)]
    assert ncf(tmp_path, *words, trains=True).returncode == 0
    folder = Warehouse(tmp_path).paths.folder("served_model", "Sample")
    found = Warehouse(tmp_path).record("served_model", "Sample")
    assert found["saved_model"] == "saved_model/1"
    documented = block_of_any("python", "tf.saved_model.load")
    for ours, theirs in {
        'Path("data")': f"Path({str(tmp_path)!r})",
        "AO8S402N8VO442": "user03",
        "B0000CDMQH": "item04",
        "B007VEDJK0": "item01",
    }.items():
        documented = documented.replace(ours, theirs)
    program = f"{documented}\nimport sys; assert 'ncf_assets' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    model = neumf.load(folder / found["file"])
    pairs = {"user": np.array([4, 4], np.int32), "item": np.array([4, 1], np.int32)}
    expected = model.predict(pairs, verbose=0).ravel()
    # users are numbered after the newcomer, items from item00 on
    assert list(Warehouse(tmp_path).read("users", "Sample")["user_id"])[4] == "user03"
    words = done.stdout.split()
    assert words[::2] == ["item04", "item01"]
    np.testing.assert_allclose([float(x) for x in words[1::2]], expected, rtol=1e-5)


def test_tensorboard_opens_on_the_event_files(undisturbed: Path) -> None:
    """`make tensorboard` lists the run of the model that was trained."""
    port = free_port()
    process = subprocess.Popen(
        ["make", "tensorboard", f"TB_PORT={port}"],
        cwd=ROOT,
        env=environment(undisturbed),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        runs = ""
        while MODEL not in runs:  # it reads the files after it has begun to answer
            assert process.poll() is None
            time.sleep(0.5)
            with contextlib.suppress(requests.ConnectionError):
                runs = requests.get(f"http://127.0.0.1:{port}/data/runs", timeout=10).text
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
