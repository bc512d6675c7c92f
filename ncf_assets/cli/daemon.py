"""A Dagster daemon for as long as a command needs one, unless one is running already."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import click
from dagster import DagsterInstance

from ncf_assets.cli.dagster_home import prepare_home, workspace_options

HEARTBEAT_SECONDS = 75  # a running daemon reports every 30 s
STOP_SECONDS = 30


class Daemon:
    """Starts `dagster-daemon` when no other one reports, and stops it at the end."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start one if need be."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, _exit)  # so that __exit__ stops the daemon then too
        self.ensure()
        return self

    def ensure(self) -> None:
        """Start a daemon if none is alive; raise if the one we started has ended."""
        if self._process:
            if (code := self._process.poll()) is not None:
                raise click.ClickException(f"the Dagster daemon ended with {code}. See {_log()}.")
        elif not self._other_is_alive():
            click.echo("no Dagster daemon is running: one is started for this backfill")
            self._process = _start()

    def _other_is_alive(self) -> bool:
        heartbeats = self._instance.get_daemon_heartbeats()
        last = max((beat.timestamp for beat in heartbeats.values()), default=0)
        return time.time() - last < HEARTBEAT_SECONDS

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop our own daemon, and take back its sign of life."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._instance.wipe_daemon_heartbeats()


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _log() -> Path:
    return prepare_home() / "backfill-daemon.log"


def _start() -> subprocess.Popen[bytes]:
    command = Path(sys.executable).with_name("dagster-daemon")
    with _log().open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [str(command), "run", *workspace_options()],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a ctrl-c in the terminal is passed on by us
        )
