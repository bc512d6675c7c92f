"""Two processes on loopback train what one does, and say so when one of them is lost."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.assets.trained import MODEL, kept_epochs, record, split
from ncf_assets_tests.cli.commands import ncf, start, tiny_folder
from ncf_assets_tests.serving import free_port
from ncf_assets_tests.tiny import CONFIG

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
LONG = 120  # epochs


@pytest.fixture(scope="module", name="split")
def materialized(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose Sample is materialized up to the negatives."""
    return split(made, tmp_path_factory.mktemp("split"))


def copy(split: Path, to: Path) -> Path:
    """The same tables in a folder of their own, whose models nobody else makes."""
    shutil.copytree(split, to)
    return to


def training(data: Path, epochs: int, refit: bool = True) -> list[str]:
    """A command that trains the MLP for so many epochs, and again with `refit`."""
    config = {"layers": [8, 4], "epochs": epochs, "patience": epochs, "refit": refit}
    # a step has 5 positives with 8 negatives each, of which one process has a place more
    config["batch_size"] = 5 * 9
    (data / "long.yaml").write_text(
        yaml.safe_dump({"ops": CONFIG["ops"] | {MODEL: {"config": config}}})
    )
    return ["materialize", "Sample", "--select", MODEL, "--config", str(data / "long.yaml")]


def cluster(n: int = 2) -> list[dict[str, str]]:
    """TF_CONFIG of each of n processes on loopback."""
    workers = [f"127.0.0.1:{free_port()}" for _ in range(n)]
    return [
        {
            "TF_CONFIG": json.dumps(
                {"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}}
            ),
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        for i in range(n)
    ]


@contextmanager
def worker(data: Path, place: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`ncf-assets train-worker`, ended if it does not end by itself."""
    with start(
        data, "ncf-assets", "train-worker", trains=True, more=place,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def weights(data: Path) -> list[np.ndarray]:
    """Of the saved MLP, which stock Keras loads."""
    file = Warehouse(data).paths.file(MODEL, "Sample").with_name(record(data)["file"])
    found: list[np.ndarray] = keras.models.load_model(file, safe_mode=True).get_weights()
    return found


def test_two_processes_train_the_model_that_one_does(split: Path, tmp_path: Path) -> None:
    """The same steps of the same examples: weights agree but for the order of float32 sums.

    Both fits are shared, on train and on train and validation together.
    """
    alone, together = (copy(split, tmp_path / name) for name in ("alone", "together"))
    assert ncf(alone, *training(alone, 6), trains=True).returncode == 0
    first, second = cluster()
    with worker(together, second) as process:
        done = ncf(together, *training(together, 6), trains=True, **first)
        assert done.returncode == 0, done.stdout + done.stderr
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "worker 1 of 2 waits for worker 0" in said
    assert "trains on Sample" in said
    assert "worker 0 has ended" in said
    for mine, theirs in zip(weights(together), weights(alone), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    figures = [
        [
            (epoch["loss"], epoch["validation_ndcg_at_10"] or 0)
            for fit in ("choosing", "history")
            for epoch in record(data)[fit][1:]
        ]
        for data in (together, alone)
    ]
    np.testing.assert_allclose(*figures, atol=1e-5)
    assert record(together)["fit"] == "test"


def test_a_lost_process_ends_the_training_which_then_goes_on(split: Path, tmp_path: Path) -> None:
    """A SIGKILL of the other process after an epoch or more; afterwards one process is enough."""
    data = copy(split, tmp_path / "data")
    first, second = cluster()
    with worker(data, second) as process:
        chief = start(
            data, "ncf-assets", *training(data, LONG, refit=False), trains=True, more=first,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while chief.poll() is None and not kept_epochs(data):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        said, _ = chief.communicate(timeout=200)
    assert chief.returncode == 1
    assert "needs all processes of TF_CONFIG, but one was lost. Start them all again" in said
    assert 1 <= kept_epochs(data) < LONG
    done = ncf(data, *training(data, LONG, refit=False), trains=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{MODEL}: going on after epoch" in done.stdout


def test_a_process_that_sees_other_data_is_refused(split: Path, tmp_path: Path) -> None:
    """Its tables have been made from another file, or never."""
    data = copy(split, tmp_path / "data")
    other = tiny_folder(tmp_path)
    first, second = cluster()
    with worker(other, second) as process:
        done = ncf(data, *training(data, 2), trains=True, **first)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "all processes train on the same data, found None of train in" in said
    assert done.returncode == 1
    assert "one was lost" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("index", "words", "said"),
    [
        (0, ["train-worker"], "TF_CONFIG must say which worker this is, from 1 on"),
        (
            1,
            ["materialize", "Sample", "--select", MODEL],
            "worker 0 of TF_CONFIG makes the assets, found worker 1. Start"
            " `ncf-assets train-worker`",
        ),
    ],
)
def test_a_place_that_does_not_fit_is_told(
    split: Path, index: int, words: list[str], said: str
) -> None:
    """Before waiting for anybody, with what to start instead."""
    done = ncf(split, *words, **cluster()[index])
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
