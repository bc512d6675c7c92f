"""Running `ncf-assets` as its user does: as a process, on a data folder of its own."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from filelock import FileLock

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests import forking
from ncf_assets_tests.tiny import CONFIG, write_source

BIN = Path(sys.executable).parent
NOTHING: Mapping[str, str] = {}


def environment(data: Path) -> dict[str, str]:
    """The caller's environment with this data folder, and Dagster's history within it."""
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return inherited | {
        "NCF_DATA_DIR": str(data),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COLUMNS": "200",
    }


def run(
    data: Path, *words: str, typed: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command of the environment as a new process, to its end, with more variables."""
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        env=environment(data) | more,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def start(
    data: Path, *words: str, trains: bool = False, more: Mapping[str, str] = NOTHING, **streams: Any
) -> subprocess.Popen[str]:
    """Begin a command of the environment in a forked process, with more variables.

    Its streams are as `Popen` has them; `trains` says that it needs TensorFlow.
    """
    return forking.start(list(words), trains=trains, env={**environment(data), **more}, **streams)


def ncf(
    data: Path, *words: str, typed: str | None = None, trains: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `ncf-assets` in a forked process to its end, with what is typed and more variables."""
    return forked(data, "ncf-assets", *words, typed=typed, trains=trains, **more)


def forked(
    data: Path, *words: str, typed: str | None = None, trains: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment in a forked process, as `run` does in a new one."""
    pipe = subprocess.PIPE
    with start(
        data, *words, trains=trains, more=more, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            out, errors = process.communicate(typed)
        except BaseException:  # such as the time limit of a test
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def in_terminal(data: Path, *words: str, trains: bool = False) -> tuple[int, str]:
    """Run `ncf-assets` in a terminal of 80 columns: its exit code, and what it has printed.

    Colors and moves of the cursor are left out.
    """
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    more = {"TERM": "xterm", "COLUMNS": "80"}
    with start(data, "ncf-assets", *words, trains=trains, more=more, **streams) as process:
        os.close(follower)
        said = b""
        with contextlib.suppress(OSError):  # Linux's way to say that nobody writes any more
            while block := os.read(leader, 4096):
                said += block
    os.close(leader)
    text = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", said.decode())
    return process.returncode, text


ASK = """
import json, sys
from ncf_assets.cli.graphql import execute
print(json.dumps(execute(sys.argv[1], {})["data"]))
"""


def graphql(data: Path, query: str) -> dict[str, Any]:
    """What Dagster's UI would be told."""
    done = forked(data, "python", "-c", ASK, query, DAGSTER_HOME=str(data / "dagster"))
    (answer,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(answer)
    return found


@contextmanager
def held_up(data: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run of a command, which waits at the end of its first step until the block ends."""
    pipe = subprocess.PIPE
    with (
        FileLock(data / "warehouse.duckdb.lock"),
        start(data, *words, stdout=pipe, stderr=pipe) as process,
    ):
        while not Warehouse(data).find_provenance("raw_reviews", "Sample"):
            assert process.poll() is None
            time.sleep(0.1)
        yield process


def tiny_folder(folder: Path, others: str = "") -> Path:
    """A data folder whose Sample is the tiny data set, with run.yaml to fit it."""
    write_source(folder)
    with (folder / "datasets.toml").open("a") as registry:
        registry.write(others)
    (folder / "run.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


@contextmanager
def daemon(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `dagster-daemon` of the user's own, in a process group of its own."""
    home = ncf(data, "dagster-home").stdout.strip()
    root = Path(__file__).parents[2]
    call = [str(BIN / "dagster-daemon"), "run", "-w", str(root / "workspace.yaml")]
    with (data / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            call,
            env=environment(data) | {"DAGSTER_HOME": home},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def wait_for_daemon(data: Path, seconds: float = 240) -> None:
    """Until one has reported that it is there."""
    until = time.monotonic() + seconds
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        while not instance.get_daemon_heartbeats():
            assert time.monotonic() < until
            time.sleep(0.2)


def those_of(*datasets: str) -> dg.RunsFilter:
    """The runs of these datasets, or all."""
    return dg.RunsFilter(tags={"dagster/partition": list(datasets)} if datasets else None)


def spans(data: Path, *datasets: str) -> list[tuple[float, float]]:
    """When each run of these datasets, or each, began and ended, in order of the beginnings."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        records = instance.get_run_records(those_of(*datasets))
    return sorted((record.start_time or 0, record.end_time or 0) for record in records)


def wait_for_runs(data: Path, n: int, *datasets: str, seconds: float = 180) -> list[str]:
    """The states of n runs, of these datasets if any are named, once all have ended."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            states = [run.status.value for run in instance.get_runs(those_of(*datasets))]
            if len(states) == n and set(states) <= {"SUCCESS", "FAILURE"}:
                return states
            time.sleep(1)
    raise AssertionError(f"runs did not end in {seconds} s: {states}")
