"""What MLflow is told, by a server that the test starts and asks."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.assets.trained import split
from ncf_assets_tests.cli.commands import environment, ncf
from ncf_assets_tests.serving import free_port, wait_until_served

pytestmark = pytest.mark.service
START_SECONDS = 120
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its runners take a minute to import


@pytest.fixture(scope="module")
def data(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data set up to the splits, from which GMF is trained."""
    folder = split(made, tmp_path_factory.mktemp("data"))
    (folder / "gmf.yaml").write_text("ops: {gmf_model: {config: {epochs: 2, l2: 0.5}}}\n")
    return folder


def train(data: Path, uri: str) -> subprocess.CompletedProcess[str]:
    """Train GMF and say so to MLflow."""
    words = ("materialize", "Sample", "--select", "gmf_model", "--config", str(data / "gmf.yaml"))
    return ncf(data, *words, trains=True, NCF_MLFLOW_URI=uri)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """An MLflow server with its database in a folder; its address."""
    port = free_port()
    call = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            call, env=environment(folder) | NO_JOBS, stdout=log, stderr=log, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_served(f"{address}/health", folder / "mlflow.log", START_SECONDS)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def asked(address: str, what: str, **question: Any) -> dict[str, Any]:
    """A question to the server."""
    answer = requests.post(f"{address}/api/2.0/mlflow/{what}", json=question, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def test_a_server_has_settings_epochs_model_and_the_dagster_run(data: Path, tmp_path: Path) -> None:
    """Two epochs and the one before training, as in model.json; the file is the one in place.

    The epochs of the second fit are named after it.
    """
    with server(tmp_path) as address:
        trained = train(data, address)
        assert trained.returncode == 0, trained.stderr
        (experiment,) = [
            e
            for e in asked(address, "experiments/search", max_results=10)["experiments"]
            if e["name"] == "ncf-assets Sample"
        ]
        (run,) = asked(address, "runs/search", experiment_ids=[experiment["experiment_id"]])["runs"]
        logged = {
            key: requests.get(
                f"{address}/api/2.0/mlflow/metrics/get-history",
                {"run_id": run["info"]["run_id"], "metric_key": key},
                timeout=60,
            ).json()["metrics"]
            for key in ("validation_ndcg_at_10", "test_seconds")
        }
    assert run["info"]["status"] == "FINISHED"
    params = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert (params["l2"], params["epochs"]) == ("0.5", "2")
    record = Warehouse(data).record("gmf_model", "Sample")
    for key, fit, column in (
        ("validation_ndcg_at_10", "choosing", "validation_ndcg_at_10"),
        ("test_seconds", "history", "seconds"),
    ):
        assert [(m["step"], m["value"]) for m in logged[key]] == [
            (e["epoch"], e[column]) for e in record[fit]
        ]
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert tags["dagster run"] == instance.get_runs(limit=1)[0].run_id
    assert (tags["dataset"], tags["asset"]) == ("Sample", "gmf_model")
    (uploaded,) = (tmp_path / "artifacts").rglob(record["file"])
    in_place = Warehouse(data).paths.file("gmf_model", "Sample").with_name(record["file"])
    assert uploaded.read_bytes() == in_place.read_bytes()


def test_a_server_that_is_not_there_is_named_before_training(data: Path) -> None:
    """With what to do; the model that was there stays."""
    before = Warehouse(data).find_provenance("gmf_model", "Sample")
    refused = train(data, f"http://127.0.0.1:{free_port()}")
    assert refused.returncode == 1
    assert "MLflow must answer at NCF_MLFLOW_URI=http://127.0.0.1:" in refused.stderr
    assert "Start the server, correct the address, or unset it" in refused.stderr
    assert Warehouse(data).find_provenance("gmf_model", "Sample") == before
