"""Run `make demo` once for all tests of the documentation."""

from pathlib import Path

import pytest
from filelock import FileLock

from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.docs.texts import make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a data folder with the Sample and its leaderboard.

    Workers share it, so do not change it. The output of `make demo` is in said.txt.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demo"
    folder.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "said.txt").exists():
            done = make(folder, "demo")
            assert done.returncode == 0, done.stdout + done.stderr
            assert ncf(folder, "leaderboard").returncode == 0
            (folder / "said.txt").write_text(done.stdout)
    return folder
