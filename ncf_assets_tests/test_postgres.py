"""Dagster's history in Postgres, with the settings that docs/scaling.md names."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ncf_assets_tests.paths import ROOT
from ncf_assets_tests.serving import free_port

SETTINGS = ROOT / "docs" / "dagster-postgres.yaml"
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


def missing() -> str:
    """Why there can be no server here; empty if there can."""
    if find_spec("dagster_postgres") is None:
        return "no dagster-postgres: pip install 'ncf-assets[postgres]'"
    if BIN is None:
        return "no Postgres: apt-get install postgresql"
    return "" if os.getuid() == 0 else "only root may start Postgres as the user postgres"


@contextmanager
def server() -> Iterator[int]:
    """The port of a server on loopback, with its data in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="postgres"))  # below pytest's own it may not look
    shutil.chown(folder, "postgres")
    port = free_port()
    data, options = folder / "data", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -F"
    try:
        _as_postgres(folder, "initdb", "-D", data, "-A", "trust", "-N")
        _as_postgres(
            folder, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "start", "-o", options
        )
        try:
            yield port
        finally:
            _as_postgres(folder, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _as_postgres(folder: Path, command: str, *arguments: object) -> None:
    words = [str(BIN / command) if BIN else command, *map(str, arguments)]
    subprocess.run(
        words,
        user="postgres",
        group="postgres",
        extra_groups=[],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@dg.asset
def made() -> int:
    """Something to keep in the history."""
    return 1


@pytest.mark.service
def test_the_history_is_kept_in_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of one instance is there for the next one, and no file of SQLite is."""
    if reason := missing():
        pytest.skip(reason)
    home = tmp_path / "dagster-home"
    home.mkdir()
    settings = yaml.safe_load(SETTINGS.read_text())
    for name, value in (("HOST", "127.0.0.1"), ("USER", "postgres"), ("DB", "postgres")):
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "unused")
    with server() as port:
        settings["storage"]["postgres"]["postgres_db"]["port"] = port
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run = dg.materialize([made], instance=instance).run_id
        with dg.DagsterInstance.from_config(str(home)) as again:
            assert [found.run_id for found in again.get_runs()] == [run]
            assert again.get_latest_materialization_event(dg.AssetKey("made")) is not None
            again.run_storage.dispose()
            again.event_log_storage.dispose()
    assert not list(home.rglob("*.db"))
