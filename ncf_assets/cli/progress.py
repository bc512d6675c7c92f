"""Progress lines of a run in this process, from Dagster's own events."""

import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import click
import rich.progress
from dagster import (
    AssetCheckSeverity,
    DagsterEventType,
    DagsterExecutionInterruptedError,
    EventLogEntry,
)
from rich.console import Console

from ncf_assets.cli.wrapping import wrap, wrap_for

INDENT = " " * 11  # of what belongs to a step
NAMED_EVERY = 30  # seconds
INTERRUPTED = DagsterExecutionInterruptedError.__name__
INTERRUPTION = "the run was interrupted. What it had published by then is in place."
STYLES: dict[str, dict[str, Any]] = {  # click's words for rich's
    "": {},
    "dim": {"dim": True},
    "yellow": {"fg": "yellow"},
    "red": {"fg": "red"},
}


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


@dataclass
class _Step:
    """A step under way: when it began, and the seconds after which it is named next."""

    started: float  # seconds since 1970
    named_at: float = 1.0


class Progress:
    """Prints a line for each materialized asset, log message and failure, until it is closed.

    The steps that run are named, with their time so far: by a bar in a terminal, else by a line
    after their first second and every half minute.
    """

    def __init__(self, n_assets: int) -> None:
        self._n_assets = n_assets
        self._done = 0
        self.failed = False  # whether a step has failed that was not interrupted
        self._interrupted = False  # whether one was
        self._running: dict[str | None, _Step] = {}  # the steps under way, by name
        self._closed = threading.Event()
        # Streams of our own: Dagster catches what is printed during a step and lets another process
        # pass it on, which may end before the last line, such as why the step failed.
        self._out, self._err = (
            os.fdopen(os.dup(stream.fileno()), "w", buffering=1)
            for stream in (sys.stdout, sys.stderr)
        )
        self._bar = _bar(self._out) if self._out.isatty() else None
        self._task = self._bar.add_task("", total=n_assets) if self._bar else None

    def __enter__(self) -> Self:
        """Print from now on."""
        if self._bar:
            self._bar.start()
        else:
            threading.Thread(target=self._name_running, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the streams."""
        self._closed.set()
        if self._bar:
            self._bar.stop()
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
                of = f"{entry.step_key}: " if len(self._running) > 1 else ""
                self._say(self._indented(f"{of}{entry.user_message}"), "dim")
        elif event.event_type in (DagsterEventType.STEP_START, DagsterEventType.STEP_RESTARTED):
            self._running[event.step_key] = _Step(entry.timestamp)
            self._name_in_bar()
        elif event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            self._materialized(event, entry.timestamp)
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._checked(event.asset_check_evaluation_data)
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._failed(event)
            self._end(event.step_key)
        elif event.event_type in (
            DagsterEventType.STEP_SUCCESS,
            DagsterEventType.STEP_UP_FOR_RETRY,
        ):
            self._end(event.step_key)
        elif event.event_type == DagsterEventType.RUN_FAILURE and not self.failed:
            found = INTERRUPTION if self._interrupted else event.message or "the run failed"
            self._say(wrap_for(self._err, found), "red", self._err)

    def _say(self, text: str, style: str = "", stream: IO[str] | None = None) -> None:
        """Print a line; in a terminal above the bar."""
        stream = stream or self._out
        if self._bar and stream.isatty():
            options: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}
            self._bar.console.print(text, style=style or None, **options)
        else:
            click.secho(text, stream, **STYLES[style])

    def _indented(self, text: str) -> str:
        """Return text below the line of its step, in a terminal in lines that fit."""
        if not self._bar:
            return f"{INDENT}{text}"
        return wrap(text, self._bar.console.width, INDENT)

    def _end(self, step: str | None) -> None:
        self._running.pop(step, None)
        self._name_in_bar()

    def _name_in_bar(self) -> None:
        """Name the steps under way in the bar, and how long the newest has taken so far."""
        if self._bar and self._task is not None and self._running:
            steps = ", ".join(map(str, self._running))
            self._bar.reset(self._task, completed=self._done, description=steps)

    def _name_running(self) -> None:
        """Print which steps run, where there is no bar."""
        while not self._closed.wait(0.5):
            for name, step in list(self._running.items()):
                seconds = time.time() - step.started
                if seconds < step.named_at:
                    continue
                so_far = f", {seconds:.0f} s so far" if step.named_at > 1 else ""
                step.named_at = seconds + NAMED_EVERY
                with contextlib.suppress(OSError, ValueError):  # closed meanwhile
                    self._say(f"{INDENT}{name} is running{so_far}", "dim")

    def _materialized(self, event: Any, at: float) -> None:
        self._done += 1
        asset = event.asset_key.to_user_string()
        shown = event.materialization.metadata
        rows = shown.get("dagster/partition_row_count") or shown.get("dagster/row_count")
        count = f"{rows.value:>12,} rows" if rows else " " * 17
        step = self._running.get(event.step_key)
        seconds = at - step.started if step else 0
        place = f"[{self._done:>2}/{self._n_assets}]"
        self._say(f"{place}    {asset:<20}{count}{seconds:>8.1f} s")
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self._done)

    def _checked(self, evaluation: Any) -> None:
        if not evaluation.passed and evaluation.severity == AssetCheckSeverity.WARN:
            what = evaluation.description or evaluation.check_name
            self._say(self._indented(f"warning, {what}"), "yellow")

    def _failed(self, event: Any) -> None:
        failure = event.step_failure_data
        interrupted = failure.error.cls_name == INTERRUPTED
        self.failed |= not interrupted
        self._interrupted |= interrupted
        what = wrap_for(self._err, f"{event.step_key} failed: {failure_reason(failure)}")
        self._say(what, "red", self._err)


def _bar(terminal: IO[str]) -> rich.progress.Progress:
    """Return a bar with the assets that are made, and the step that runs with its time so far."""
    return rich.progress.Progress(
        rich.progress.MofNCompleteColumn(),
        rich.progress.BarColumn(20),
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.TimeElapsedColumn(),
        console=Console(file=terminal),
        refresh_per_second=2,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def failure_reason(failure: Any) -> str:
    """Return what went wrong in the words of the asset's error, not of Dagster's wrapping."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    if error.cls_name == INTERRUPTED:
        return "it was interrupted."
    while error.cause and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return re.sub(r"^[\w.]+: ", "", str(error.message)).strip()
