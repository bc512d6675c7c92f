"""Runs do not depend on the settings of a home, a shell or a machine, or refuse before any work."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import BIN, ncf, tiny_folder
from ncf_assets_tests.paths import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TF_XLA_FLAGS")
NOBODY = 54321  # a user id without a name


def of_nobody() -> list[str]:
    """Words before a command that make its user one without a name, where this is possible."""
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    reads = [*words, "test", "-r", str(ROOT / "pyproject.toml"), "-a", "-x", str(BIN / "python")]
    possible = not os.getuid() and not subprocess.run(reads, check=False).returncode
    return words if possible else []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may write to; pytest's own are the user's alone."""
    with tempfile.TemporaryDirectory(prefix="ncf-assets-tests-", dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_other_settings_give_the_same_tables_and_models(made: Path, open_folder: Path) -> None:
    """Another Keras, time zone and language; no home, no name, a long TMPDIR; a foreign Spark.

    TensorFlow's caches are shared, so `made` and this differ by the settings alone.
    """
    data = tiny_folder(open_folder / "data")
    home, long = open_folder / "keras", open_folder / ("x" * 120)
    for folder in (data, home, long):
        folder.mkdir(exist_ok=True)
    (home / "keras.json").write_text(json.dumps({"floatx": "float64", "backend": "jax"}))
    for path in open_folder.rglob("*"):
        path.chmod(0o777)
    settings = {
        "KERAS_HOME": str(home), "KERAS_BACKEND": "jax", "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TMPDIR": str(long),
        "SPARK_HOME": "/nowhere", "HOSTNAME": "nowhere.invalid", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    selected = "+mlp_model,test,data_profile"
    words = ["materialize", "Sample", "--select", selected, "--config", str(data / "run.yaml")]
    done = subprocess.run(
        [*of_nobody(), str(BIN / "ncf-assets"), *words],
        env={name: os.environ[name] for name in KEPT if name in os.environ}
        | settings
        | {"NCF_DATA_DIR": str(data)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    mine, theirs = Warehouse(data), Warehouse(made)
    for asset in ("raw_reviews", "validation", "data_profile", "mlp_model"):
        hashes = {place.get_provenance(asset, "Sample").content_hash for place in (mine, theirs)}
        assert len(hashes) == 1, asset


@pytest.mark.parametrize("command", ["materialize", "backfill", "tune"])
def test_a_wrong_tf_config_is_refused_before_any_work(tmp_path: Path, command: str) -> None:
    """Not at the first network, minutes later; commands that train nothing do not care."""
    data = tiny_folder(tmp_path)
    workers = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    chief = {"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": 0}}
    unknown = {"cluster": {"worker": ["nowhere.invalid:1"]}, "task": {"type": "worker", "index": 0}}
    for config, why in (
        ("{}", "TF_CONFIG must be JSON such as"),
        (json.dumps(chief), "found chief. List all addresses as workers, or unset TF_CONFIG"),
        (json.dumps(unknown), "found nowhere.invalid:1"),
        (json.dumps(workers), "worker 0 of TF_CONFIG makes the assets, found worker 1. Start"),
    ):
        done = ncf(data, command, "Sample", TF_CONFIG=config)
        assert done.returncode == 1
        assert why in done.stderr
    assert not (data / "tables").exists()
    assert ncf(data, "status", TF_CONFIG="{}").returncode == 0


def test_a_long_tmpdir_is_refused_where_dagster_would_need_sockets_in_it(tmp_path: Path) -> None:
    """By what starts Dagster's processes; its own error is a traceback after a minute."""
    data = tiny_folder(tmp_path / "data")
    (long := tmp_path / ("x" * 120)).mkdir()
    for words in (["backfill", "Sample"], ["dagster-home"]):
        done = ncf(data, *words, TMPDIR=str(long))
        assert done.returncode == 1
        assert f"{long}, has a path of more than 95 bytes" in done.stderr
        assert "Name a shorter one with TMPDIR" in done.stderr
