"""What many test files share, and in which order they are run."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock
from hypothesis import settings

from ncf_assets_tests.cli.commands import run, tiny_folder
from ncf_assets_tests.object_store import server

# a first or a busy call takes longer than Hypothesis expects
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

LONGEST_FIRST = ("acceptance", "service", "process")
LONG_UNITS = ("training", "report", "checks")  # folders of the longest unit tests


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the tiny data set as the command materializes it; all workers share it, so copy it.

    The command is a new process, not a forked one. What it printed is in said.txt and errors.txt.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "made"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "said.txt").exists():
            config = ("--config", str(tiny_folder(folder) / "run.yaml"))
            done = run(folder, "ncf-assets", "materialize", "Sample", *config)
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / "errors.txt").write_text(done.stderr)
            (folder / "said.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server for S3, in which each test makes a bucket of its own."""
    with server(tmp_path_factory.mktemp("moto")) as address:
        yield address


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of a run share what XLA has compiled, and keep our order of tests."""
    config.option.loadscopereorder = False  # pytest-xdist would begin with the most tests
    if "TF_XLA_FLAGS" not in os.environ:  # workers inherit it
        folder = tempfile.mkdtemp(prefix="xla-")
        os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={folder}"
        config.add_cleanup(lambda: shutil.rmtree(folder))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files whose tests may take longest first, so that none is run alone at the end."""
    lengths: dict[Path, tuple[int, float]] = {}
    for item in items:
        limit = item.get_closest_marker("timeout")
        kinds = [kind for kind in LONGEST_FIRST if item.get_closest_marker(kind)]
        rank = -LONGEST_FIRST.index(kinds[0]) if kinds else -len(LONGEST_FIRST)
        if not kinds and item.path.parent.name not in LONG_UNITS:
            rank -= 1
        length = rank, limit.args[0] if limit else 0
        lengths[item.path] = max(lengths.get(item.path, length), length)
    items.sort(key=lambda item: lengths[item.path], reverse=True)
