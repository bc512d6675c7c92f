"""Progress lines of a run in this process, from Dagster's own events."""

import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import click
from dagster import AssetCheckSeverity, DagsterEventType, EventLogEntry


@contextlib.contextmanager
def native_messages_to(log: Path) -> Iterator[None]:
    """Keep what libraries print past Python (TensorFlow on missing GPUs) off the terminal.

    Python's own standard error stays where it is.
    """
    terminal = os.dup(2)
    python_stderr = sys.stderr
    with log.open("wb") as file, os.fdopen(terminal, "w", buffering=1) as kept:
        os.dup2(file.fileno(), 2)
        sys.stderr = kept
        try:
            yield
        finally:
            os.dup2(kept.fileno(), 2)
            sys.stderr = python_stderr


class Progress:
    """Prints a line for each materialized asset, log message and failure, until it is closed."""

    def __init__(self, n_assets: int) -> None:
        self._n_assets = n_assets
        self._done = 0
        self._started = time.monotonic()
        # Streams of our own: Dagster catches what is printed during a step and lets another process
        # pass it on, which may end before the last line, such as why the step failed.
        self._out, self._err = (
            os.fdopen(os.dup(stream.fileno()), "w", buffering=1)
            for stream in (sys.stdout, sys.stderr)
        )

    def __enter__(self) -> Self:
        """Print from now on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the streams."""
        for stream in (self._out, self._err):
            with contextlib.suppress(OSError):
                stream.close()

    def __call__(self, entry: EventLogEntry) -> None:
        """Take in one event of the run, which goes on if nobody reads any more."""
        with contextlib.suppress(OSError):
            self._print(entry)

    def _print(self, entry: EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            # errors come as failures of steps
            if logging.INFO <= int(entry.level) < logging.ERROR:
                click.secho(f"           {entry.user_message}", self._out, dim=True)
        elif event.event_type == DagsterEventType.STEP_START:
            self._started = time.monotonic()
        elif event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            self._materialized(event)
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._checked(event.asset_check_evaluation_data)
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._failed(event)
        elif event.event_type == DagsterEventType.RUN_FAILURE and not event.step_key:
            click.secho(event.message or "the run failed", self._err, fg="red")

    def _materialized(self, event: Any) -> None:
        self._done += 1
        asset = event.asset_key.to_user_string()
        shown = event.materialization.metadata
        rows = shown.get("dagster/partition_row_count") or shown.get("dagster/row_count")
        count = f"{rows.value:>12,} rows" if rows else " " * 17
        seconds = time.monotonic() - self._started
        place = f"[{self._done:>2}/{self._n_assets}]"
        click.echo(f"{place}    {asset:<20}{count}{seconds:>8.1f} s", self._out)

    def _checked(self, evaluation: Any) -> None:
        if not evaluation.passed and evaluation.severity == AssetCheckSeverity.WARN:
            warning = f"           warning, {evaluation.description or evaluation.check_name}"
            click.secho(warning, self._out, fg="yellow")

    def _failed(self, event: Any) -> None:
        failure = event.step_failure_data
        click.secho(f"{event.step_key} failed: {failure_reason(failure)}", self._err, fg="red")


def failure_reason(failure: Any) -> str:
    """Return what went wrong in the words of the asset's error, not of Dagster's wrapping."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error.cause and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return re.sub(r"^[\w.]+: ", "", str(error.message)).strip()
