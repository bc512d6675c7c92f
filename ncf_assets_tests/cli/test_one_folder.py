"""Every process of a project knows one data folder, says which, and refuses to mix two."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from ncf_assets.definitions import build_defs
from ncf_assets.warehouse.history_note import NOTE
from ncf_assets_tests.cli.commands import BIN, environment, ncf, tiny_folder
from ncf_assets_tests.forking import start
from ncf_assets_tests.paths import ROOT
from ncf_assets_tests.serving import free_port, wait_until_served

pytestmark = pytest.mark.process


def said(folder: Path, *words: str, **more: str) -> tuple[int, str]:
    """Run `ncf-assets` in a folder without a data folder of its own; exit code and all output."""
    inherited = {name: v for name, v in environment(folder).items() if name != "NCF_DATA_DIR"}
    pipe = subprocess.PIPE
    with start(
        ["ncf-assets", *words],
        cwd=str(folder),
        env=inherited | more,
        stdout=pipe,
        stderr=subprocess.STDOUT,
    ) as process:
        out, _ = process.communicate()
    return process.returncode, out


def test_a_file_env_names_the_data_folder(tmp_path: Path) -> None:
    """As for Dagster's own commands; a relative path is relative to the current folder."""
    (tmp_path / ".env").write_text('NCF_DATA_DIR="my data"\nNCF_DUCKDB_MEMORY_GB=0\n')
    code, out = said(tmp_path, "status")
    assert code == 1
    assert "NCF_DUCKDB_MEMORY_GB must be a number above 0" in out
    (tmp_path / ".env").write_text('NCF_DATA_DIR="my data"\n')
    assert said(tmp_path, "status")[1].startswith(f"data folder: {tmp_path}/my data\n")
    assert said(tmp_path, "dagster-home")[1].strip() == f"{tmp_path}/my data/dagster"
    same = said(tmp_path, "dagster-home", NCF_DATA_DIR="my data")[1]
    assert same.strip() == f"{tmp_path}/my data/dagster"


@pytest.mark.parametrize("variable", ["NCF_DATA_DIR", "DAGSTER_HOME", "NCF_WORK_DIR"])
def test_a_variable_that_the_file_has_otherwise_is_refused(tmp_path: Path, variable: str) -> None:
    """Dagster's processes would follow the file, and this one the environment: both are named."""
    (tmp_path / ".env").write_text(f"{variable}=/of/the/file\n")
    code, out = said(tmp_path, "doctor", **{variable: "/of/the/shell"})
    assert code == 1
    assert f"{variable} is '/of/the/shell' in the environment and '/of/the/file' in" in out
    assert f"{tmp_path}/.env" in out


def test_the_history_of_another_data_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every command and by the code location, which Dagster's own processes load."""
    one, two, home = tmp_path / "one", tmp_path / "two", tmp_path / "home"
    assert ncf(one, "dagster-home", DAGSTER_HOME=str(home)).returncode == 0
    assert f"; Dagster's history: {home}\n" in ncf(one, "status", DAGSTER_HOME=str(home)).stdout
    for command in ("status", "doctor", "dagster-home"):
        done = ncf(two, command, DAGSTER_HOME=str(home))
        assert done.returncode == 1
        assert f"the data folder {one}, and the data folder here is {two}. Set" in done.stderr
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("NCF_DATA_DIR", str(two))
    with pytest.raises(ValueError, match="is the history of the data folder"):
        build_defs()
    (home / NOTE).unlink()  # what the message says of data that have been moved
    assert ncf(two, "dagster-home", DAGSTER_HOME=str(home)).returncode == 0


def test_the_history_within_another_data_folder_is_refused_without_a_note(tmp_path: Path) -> None:
    """As a version before this one left it; a folder that is copied with its history is no mix."""
    one, two = tmp_path / "one", tmp_path / "two"
    ncf(one, "dagster-home")
    (one / "locks").mkdir()
    (one / "dagster" / NOTE).unlink()
    done = ncf(two, "status", DAGSTER_HOME=str(one / "dagster"))
    assert f"history of the data folder {one}, and" in done.stderr
    ncf(one, "dagster-home")
    shutil.copytree(one, two, symlinks=True)
    assert ncf(two, "dagster-home").stdout.strip() == str(two / "dagster")
    assert (two / "dagster" / NOTE).read_text().strip() == str(two)


def test_the_code_of_another_checkout_is_refused(tmp_path: Path) -> None:
    """In a copy of the project an activated environment would run the code of the first."""
    (tmp_path / "ncf_assets").mkdir()
    (tmp_path / "ncf_assets/__init__.py").touch()
    (tmp_path / "pyproject.toml").touch()
    code, out = said(tmp_path, "status")
    assert code == 1
    assert f"the code that runs is in {ROOT}, and the current folder {tmp_path} is another" in out


@pytest.fixture
def copied_checkout(tmp_path: Path) -> Path:
    """A checkout with its environment as `cp -r` would have it: paths of their birth, but no data.

    The libraries are the first one's, by a link, as copying them takes a minute.
    """
    copy = tmp_path / "copy"
    (copy / "ncf_assets").mkdir(parents=True)
    (copy / "ncf_assets/__init__.py").touch()
    (copy / "data").mkdir()
    for name in ("pyproject.toml", "workspace.yaml", "Makefile"):
        shutil.copy(ROOT / name, copy)
    environment_folder = Path(sys.prefix)
    (copy / ".venv/bin").mkdir(parents=True)
    for name in ("ncf-assets", "activate"):
        shutil.copy(environment_folder / "bin" / name, copy / ".venv/bin")
    shutil.copy(environment_folder / "pyvenv.cfg", copy / ".venv")
    (copy / ".venv/lib").symlink_to(environment_folder / "lib")
    (copy / ".venv/bin/python").symlink_to((environment_folder / "bin/python").resolve())
    return copy


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (".", ["{copy}/.venv/bin/ncf-assets", "status"]),
        ("/", ["{copy}/.venv/bin/ncf-assets", "status"]),
        (
            "/",
            ["{copy}/.venv/bin/python", "-c", "from ncf_assets.cli import main; main(['status'])"],
        ),
    ],
)
def test_a_checkout_that_is_copied_with_its_environment_is_refused(
    copied_checkout: Path, place: str, words: list[str]
) -> None:
    """In one sentence with both folders, from wherever it is called; `make` then makes it anew."""
    done = subprocess.run(
        [word.format(copy=copied_checkout) for word in words],
        cwd=copied_checkout / place,
        env={"PATH": os.environ["PATH"], "HOME": str(copied_checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (said_once,) = done.stderr.splitlines()
    assert str(copied_checkout) in said_once
    assert str(ROOT) in said_once
    assert f"Run `make` in {copied_checkout}" in said_once
    assert not any((copied_checkout / "data").iterdir())


ASKED = (
    "{ allTopLevelResourceDetailsOrError(repositorySelector: {"
    ' repositoryName: "__repository__", repositoryLocationName: "ncf_assets"})'
    " { ... on ResourceDetailsList { results { description } } }"
    " runsOrError { ... on Runs { results { status } } } }"
)


@pytest.mark.service
@pytest.mark.timeout(600)
def test_a_live_ui_follows_a_file_env_as_commands_do(tmp_path: Path) -> None:
    """`ncf-assets ui` in a project of one's own: tables, history and commands are of one folder."""
    assert said(tmp_path, "init", ".")[0] == 0
    data = tiny_folder(tmp_path / "elsewhere")
    (tmp_path / ".env").write_text("NCF_DATA_DIR=elsewhere\n")
    home = said(tmp_path, "dagster-home")[1].strip()
    assert home == str(data / "dagster")
    assert said(tmp_path, "materialize", "Sample", "--select", "raw_reviews")[0] == 0
    port, inherited = free_port(), environment(tmp_path)
    del inherited["NCF_DATA_DIR"]
    with (tmp_path / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "ncf-assets", "ui", "--port", str(port)],
            cwd=tmp_path,
            env=inherited,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_served(f"{address}/server_info", tmp_path / "ui.log", 240)
        answer = requests.post(f"{address}/graphql", json={"query": ASKED}, timeout=120).json()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)
    described = json.dumps(answer["data"]["allTopLevelResourceDetailsOrError"])
    assert f"The tables, models and reports of {data}, and" in described
    assert answer["data"]["runsOrError"]["results"] == [{"status": "SUCCESS"}]
    assert not (tmp_path / "data" / "tables").exists()


def test_make_ui_stops_where_the_data_folder_is_refused(tmp_path: Path) -> None:
    """It does not serve a history that nobody has asked for."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name, text in (("ncf-assets", "exit 1"), ("dg", f"touch {tmp_path}/served")):
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    (tmp_path / "installed").touch()
    done = subprocess.run(
        ["make", "-f", ROOT / "Makefile", "-o", "installed", "ui", "RUN=installed", "BIN=bin"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode != 0
    assert not (tmp_path / "served").exists(), done.stdout + done.stderr
