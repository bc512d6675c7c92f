"""A Dagster daemon for as long as there is something to do, unless one is running already.

The daemon is a process of its own, which outlives the command and its terminal: a backfill goes on
when either is gone. It ends by itself (`ncf_assets.cli.passing_daemon`).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import click
from dagster import DagsterInstance

from ncf_assets.cli.dagster_home import prepare_home
from ncf_assets.orchestration.dagster_runs import has_work, is_alive, last_report

STOP_SECONDS = 60


class TerminalClosedError(Exception):
    """The terminal of this process is gone, and nothing can be printed any more."""


class Daemon:
    """Starts a Dagster daemon when no other one reports, and waits for its end."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start one if need be."""
        signal.signal(signal.SIGTERM, _exit)  # so that the backfill is canceled then too
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` sets it
            signal.signal(signal.SIGHUP, _terminal_closed)
        self.ensure()
        if self._process is None:
            ago = time.time() - last_report(self._instance)
            click.echo(f"a Dagster daemon, which reported {ago:.0f} s ago, takes this backfill")
        return self

    def ensure(self) -> None:
        """Start a daemon if none is alive; raise if the one we started has ended."""
        if self._process:
            if (code := self._process.poll()) is not None:
                raise click.ClickException(f"the Dagster daemon ended with {code}. See {_log()}.")
        elif not is_alive(self._instance):
            click.echo("no Dagster daemon is running: one is started for this backfill")
            self._process = _start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the end of our own daemon, unless it has other work."""
        until = time.monotonic() + STOP_SECONDS
        while self._process and self._process.poll() is None and time.monotonic() < until:
            if exc is not None or has_work(self._instance):
                return
            time.sleep(0.2)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _terminal_closed(number: int, _: FrameType | None) -> None:  # noqa: ARG001
    # what Python flushes at its end would fail
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    raise TerminalClosedError


def _log() -> Path:
    return prepare_home() / "backfill-daemon.log"


def _start() -> subprocess.Popen[bytes]:
    with _log().open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ncf_assets.cli.passing_daemon"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # neither a ctrl-c in the terminal nor its end concerns it
        )
