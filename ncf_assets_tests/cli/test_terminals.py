"""A backfill is the instance's, not the terminal's: what happens when one of them goes."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.orchestration.dagster_runs import DAEMON_NOTE
from ncf_assets_tests.cli.commands import BIN, environment, ncf, start, tiny_folder

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]
BROKEN = '[Broken]\nformat = "amazon-2014"\npath = "broken.json"\n'  # its run takes a moment
STARTED = "one is started for this backfill"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a data set whose backfill fails early, so that nothing is trained."""
    folder = tiny_folder(tmp_path, BROKEN)
    (folder / "broken.json").write_text("not a review\n")
    return folder


class Client:
    """`ncf-assets backfill` in a terminal of its own, with nobody behind it in between."""

    def __init__(self, data: Path, *before: str) -> None:
        self.master, slave = os.openpty()
        words = [str(BIN / "ncf-assets"), "backfill", "Broken"]
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *before, *words],
            env=environment(data), stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        os.close(slave)
        self.said = ""
        while STARTED not in self.said:
            self.said += os.read(self.master, 4096).decode()
        (self.backfill,) = re.findall(r"backfill (\w+) is recorded", self.said)

    def close_terminal(self) -> None:
        """As a click on its cross does: the kernel sends SIGHUP."""
        os.close(self.master)

    def kill(self) -> None:
        """As a lack of memory does."""
        self.process.kill()


def wait_for_end(data: Path, seconds: float = 120) -> None:
    """Until the daemon that a command started has ended by itself."""
    until = time.monotonic() + seconds
    while (data / "dagster" / DAEMON_NOTE).exists():
        assert time.monotonic() < until, "the daemon is still there"
        time.sleep(0.2)


def check_went_on(data: Path, backfill: str) -> None:
    """The backfill can be followed to its end, and then neither work nor daemon is left."""
    followed = ncf(data, "backfill", "--follow")
    assert f"backfill {backfill} is followed" in followed.stdout
    assert "at least one line must be a review" in " ".join(followed.stdout.split())
    assert "cancels the backfill" not in followed.stderr
    wait_for_end(data)
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        assert instance.get_backfill(backfill).status.value == "COMPLETED_FAILED"
        assert instance.get_daemon_heartbeats() == {}
        assert all(run.is_finished for run in instance.get_runs())


@pytest.mark.parametrize(
    "goes",
    [Client.close_terminal, pytest.param(Client.kill, marks=pytest.mark.acceptance)],
    ids=["terminal closed", "killed"],
)
def test_a_backfill_outlives_its_client(data: Path, goes: Callable[[Client], None]) -> None:
    """The client ends at once; the daemon that it started goes on, and ends with the work."""
    client = Client(data)
    goes(client)
    assert client.process.wait(60) in (128 + signal.SIGHUP, -signal.SIGKILL)
    check_went_on(data, client.backfill)


@pytest.mark.acceptance
def test_a_backfill_outlives_its_reader(data: Path) -> None:
    """`ncf-assets backfill … | head -2`: it ends when it cannot print, without a traceback."""
    pipe = subprocess.PIPE
    words = ["ncf-assets", "backfill", "Broken"]
    with start(data, *words, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        recorded = process.stdout.readline()
        assert STARTED in process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 1
    check_went_on(data, recorded.split()[1])


@pytest.mark.acceptance
def test_nohup_keeps_the_client_too(data: Path) -> None:
    """It follows the backfill to its end when its terminal is closed."""
    said = data / "nohup.out"
    with said.open("w") as out:
        process = subprocess.Popen(
            ["nohup", str(BIN / "ncf-assets"), "backfill", "Broken"],
            env=environment(data), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    while STARTED not in said.read_text():
        time.sleep(0.1)
    process.send_signal(signal.SIGHUP)
    assert process.wait(120) == 1
    assert "at least one line must be a review" in " ".join(said.read_text().split())
    wait_for_end(data)


def test_what_is_not_there_cannot_be_followed(tmp_path: Path) -> None:
    """The message names what there is; a configuration belongs to a new backfill."""
    data = tiny_folder(tmp_path)
    done = ncf(data, "backfill", "--follow", "nonsense")
    assert done.returncode == 2
    assert "there is no backfill 'nonsense'. There are: none." in done.stderr
    assert "there is no backfill yet" in ncf(data, "backfill", "--follow").stderr
    both = ncf(data, "backfill", "Sample", "--follow", "abc")
    assert "give one of the four" in both.stderr


def test_a_run_goes_on_when_nobody_reads_it(tmp_path: Path) -> None:
    """`ncf-assets materialize … | head -1`: what was begun is made, and shown as a success."""
    data = tiny_folder(tmp_path)
    words = ["ncf-assets", "materialize", "Sample", "--select", "+train"]
    pipe = subprocess.PIPE
    with start(data, *words, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        (run,) = instance.get_runs()
    assert run.is_success
