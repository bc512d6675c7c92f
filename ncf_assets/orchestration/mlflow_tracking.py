"""Log trainings and reports to MLflow, where NCF_MLFLOW_URI names a server or a folder.

MLflow comes with `pip install 'ncf-assets[mlflow]'`. A server that fails during a training does
not stop it.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from ncf_assets.orchestration.fits import Fit
from ncf_assets.orchestration.publish import AssetRun

URI = "NCF_MLFLOW_URI"
RETRIES = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a dead server costs minutes


class Tracker:
    """Ignores everything, where nobody asked for MLflow."""

    def log_epoch(self, epoch: Any, fit: Fit) -> None:
        """Ignore an epoch."""

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Ignore metrics."""

    def log_artifacts(self, *files: Path) -> None:
        """Ignore files."""


class MlflowTracker(Tracker):
    """One MLflow run."""

    def __init__(self, run: AssetRun, asset: str, client: Any) -> None:
        self._log, self._client = run.context.log, client
        name = f"ncf-assets {run.dataset}"
        found = client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else client.create_experiment(name)
        provenance = run.provenance(asset)
        tags = {
            "dagster run": run.context.run.run_id,
            "dataset": run.dataset,
            "asset": asset,
            "code version": provenance["code_version"],
            **{
                f"content of {name}": content
                for name, content in provenance["input_hashes"].items()
            },
        }
        self._run_id = client.create_run(experiment, tags=tags, run_name=asset).info.run_id
        for key, value in run.config.items():
            client.log_param(self._run_id, key, value)

    def log_epoch(self, epoch: Any, fit: Fit) -> None:
        """Log the figures of an epoch that are known; those of a refit begin with its name."""
        figures = asdict(epoch)
        step = figures.pop("epoch")
        prefix = "" if fit == "choose" else f"{fit}_"
        known = {f"{prefix}{name}": value for name, value in figures.items() if value is not None}
        self.log_metrics(known, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log metrics."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        # MLflow takes no @ in names
        named = {name.replace("@", "_at_"): value for name, value in metrics.items()}
        logged = [Metric(name, value, now, step) for name, value in named.items()]
        self._send(lambda: self._client.log_batch(self._run_id, metrics=logged))

    def log_artifacts(self, *files: Path) -> None:
        """Upload files."""
        for file in files:
            self._send(lambda file=file: self._client.log_artifact(self._run_id, str(file)))

    def end(self, status: str) -> None:
        """Log how the run ended: FINISHED or FAILED."""
        self._send(lambda: self._client.set_terminated(self._run_id, status))

    def _send(self, call: Any) -> None:
        from mlflow.exceptions import MlflowException

        try:
            call()
        except (MlflowException, OSError) as error:
            self._log.warning(f"MLflow at {os.environ[URI]} did not take this: {error}")


@contextmanager
def tracked(run: AssetRun, asset: str) -> Iterator[Tracker]:
    """Yield a tracker, which logs to MLflow if it is asked for. dg.Failure if it cannot."""
    uri = os.environ.get(URI)
    if not uri:
        yield Tracker()
        return
    tracking = _begin(run, asset, uri)
    try:
        yield tracking
    except BaseException:
        tracking.end("FAILED")
        raise
    tracking.end("FINISHED")


def _begin(run: AssetRun, asset: str, uri: str) -> MlflowTracker:
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise dg.Failure(
            f"{URI} is set to {uri}, and MLflow is not installed. Run"
            " `pip install 'ncf-assets[mlflow]'`, or unset it.",
            allow_retries=False,
        ) from error
    os.environ.setdefault(*RETRIES)
    try:
        return MlflowTracker(run, asset, MlflowClient(uri))
    except (MlflowException, OSError) as error:
        raise dg.Failure(
            f"MLflow must answer at {URI}={uri}, and did not: {error}. Start the server, correct"
            " the address, or unset it.",
            allow_retries=False,
        ) from error
