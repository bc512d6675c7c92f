"""What MLflow is told of trainings and reports, where NCF_MLFLOW_URI names a server or a folder.

MLflow comes with `pip install -e '.[mlflow]'`. A server that fails under way stops no training.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from ncf_assets.assets.partition import Run

URI = "NCF_MLFLOW_URI"
RETRIES = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a dead server costs minutes


class Untracked:
    """Where nobody asked for MLflow."""

    def epoch(self, epoch: Any) -> None:
        """Forget an epoch."""

    def figures(self, figures: Mapping[str, float], step: int = 0) -> None:
        """Forget figures."""

    def files(self, *files: Path) -> None:
        """Forget files."""


class Tracked(Untracked):
    """One MLflow run."""

    def __init__(self, run: Run, asset: str, client: Any) -> None:
        self._log, self._client = run.context.log, client
        name = f"ncf-assets {run.dataset}"
        found = client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else client.create_experiment(name)
        origin = run.origin(asset)
        tags = {
            "dagster run": run.context.run.run_id,
            "dataset": run.dataset,
            "asset": asset,
            "code version": origin["code"],
            **{f"content of {name}": content for name, content in origin["inputs"].items()},
        }
        self._run_id = client.create_run(experiment, tags=tags, run_name=asset).info.run_id
        for key, value in run.config.items():
            client.log_param(self._run_id, key, value)

    def epoch(self, epoch: Any) -> None:
        """Log the figures of an epoch that are known."""
        figures = asdict(epoch)
        step = figures.pop("epoch")
        self.figures({name: value for name, value in figures.items() if value is not None}, step)

    def figures(self, figures: Mapping[str, float], step: int = 0) -> None:
        """Log figures."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        # MLflow takes no @ in names
        named = {name.replace("@", "_at_"): value for name, value in figures.items()}
        metrics = [Metric(name, value, now, step) for name, value in named.items()]
        self._tell(lambda: self._client.log_batch(self._run_id, metrics=metrics))

    def files(self, *files: Path) -> None:
        """Upload files."""
        for file in files:
            self._tell(lambda file=file: self._client.log_artifact(self._run_id, str(file)))

    def end(self, status: str) -> None:
        """Say how the run ended: FINISHED or FAILED."""
        self._tell(lambda: self._client.set_terminated(self._run_id, status))

    def _tell(self, call: Any) -> None:
        from mlflow.exceptions import MlflowException

        try:
            call()
        except (MlflowException, OSError) as error:
            self._log.warning(f"MLflow at {os.environ[URI]} did not take this: {error}")


@contextmanager
def tracked(run: Run, asset: str) -> Iterator[Untracked]:
    """What is told to MLflow, if it is asked for. Raises dg.Failure if it cannot be reached."""
    uri = os.environ.get(URI)
    if not uri:
        yield Untracked()
        return
    tracking = _begin(run, asset, uri)
    try:
        yield tracking
    except BaseException:
        tracking.end("FAILED")
        raise
    tracking.end("FINISHED")


def _begin(run: Run, asset: str, uri: str) -> Tracked:
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise dg.Failure(
            f"{URI} is set to {uri}, and MLflow is not installed; run"
            " `pip install -e '.[mlflow]'`, or unset it",
            allow_retries=False,
        ) from error
    os.environ.setdefault(*RETRIES)
    try:
        return Tracked(run, asset, MlflowClient(uri))
    except (MlflowException, OSError) as error:
        raise dg.Failure(
            f"MLflow must answer at {URI}={uri}, and did not: {error}; start the server, correct"
            " the address, or unset it",
            allow_retries=False,
        ) from error
