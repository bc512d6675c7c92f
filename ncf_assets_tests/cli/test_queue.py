"""Dagster's queue: runs that `dagster job backfill` asks for, with a daemon of the user's own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import (
    daemon,
    spans,
    start,
    tiny_folder,
    wait_for_daemon,
    wait_for_runs,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

FEW = 2  # reviews of the file, which are of one user: there is nobody to test on


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of two data sets of a few reviews, for which a daemon is running."""
    block = '[{}]\nformat = "amazon-2014"\npath = "few.json"\n'
    others = "".join(block.format(name) for name in ("Third", "Fourth"))
    folder = tiny_folder(tmp_path_factory.mktemp("data"), others)
    lines = (folder / "tiny.json").read_text().splitlines()[:FEW]
    (folder / "few.json").write_text("\n".join(lines))
    with daemon(folder):
        wait_for_daemon(folder)
        yield folder


@pytest.fixture(scope="module")
def queued(running: Path) -> list[str]:
    """Have Dagster's own command queue Third, and at the same time Third and Fourth; the states."""
    more, pipe = {"DAGSTER_HOME": str(running / "dagster")}, subprocess.PIPE
    call = ["dagster", "job", "backfill", "-j", "everything", "--noprompt", "--partitions"]
    both = [
        start(running, *call, names, more=more, stdout=subprocess.DEVNULL, stderr=pipe)
        for names in ("Third", "Third,Fourth")
    ]
    for process in both:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    return wait_for_runs(running, 3, "Third", "Fourth", seconds=480)


def test_dagsters_own_job_backfill_works_with_a_running_daemon(
    running: Path, queued: list[str]
) -> None:
    """`dagster job backfill` queues a run for each partition, and the daemon runs them.

    The check that asks for somebody to test on stops each run; the tables before it are made.
    """
    assert queued == ["FAILURE"] * 3
    for dataset in ("Third", "Fourth"):
        assert Warehouse(running).get_provenance("interactions", dataset).rows == FEW
        assert Warehouse(running).find_provenance("gmf_model", dataset) is None


@pytest.mark.usefixtures("queued")
def test_queued_runs_of_one_data_set_follow_each_other(running: Path) -> None:
    """The second waits in the queue, though there is room for a run beside the first."""
    (_, first_ended), (second_began, _) = spans(running, "Third")
    assert first_ended <= second_began
