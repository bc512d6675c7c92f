"""`ncf-assets ui`: Dagster's web server and daemon on the data folder, until ctrl-c."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from ncf_assets.cli.dagster_home import check_sockets, prepare_home, workspace_options

BIN = Path(sys.executable).parent


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=3000, show_default=True, help="Its port."
)
def ui(host: str, port: int) -> None:
    """Serve Dagster's UI, and run its daemon, until ctrl-c.

    Dagster's UI has no login: on another address than 127.0.0.1, whoever reaches it may start runs.
    """
    check_sockets()
    _check_free(host, port)
    environment = {
        "DAGSTER_HOME": str(prepare_home()),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(BIN.parent),  # dg warns of another environment than its own
    }
    listen = ["--host", host, "--port", str(port)]
    words = [str(BIN / "dg"), "dev", "--no-check-yaml", *workspace_options(), *listen]
    # a shell has jobs in the background ignore it, and Dagster's processes would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(words, env=os.environ | environment) as served:  # noqa: S603

        def stop(_: int, __: FrameType | None) -> None:
            served.send_signal(signal.SIGINT)

        for number in (signal.SIGINT, signal.SIGTERM):  # so that this process ends after Dagster's
            signal.signal(number, stop)
        code = served.wait()
    _forget_daemon()
    if code not in (0, -signal.SIGINT, 128 + signal.SIGINT):
        raise SystemExit(code)


def _check_free(host: str, port: int) -> None:
    """Raise ClickException if nothing can listen there.

    Dagster's web server alone would end, and its daemon disturb that of the other one.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise click.ClickException(
            f"{host}:{port} must be free for Dagster's UI, and is not ({error.strerror or error})."
            " Stop what listens there, or name another: make ui PORT=3001, or --port 3001."
        ) from error


def _forget_daemon() -> None:
    """Take back the last sign of life of the daemon, for which a backfill would wait a minute."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.wipe_daemon_heartbeats()
