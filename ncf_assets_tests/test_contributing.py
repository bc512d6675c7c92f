"""What contributors meet outside the package says the same as the package."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def read(name: str) -> Any:
    """A YAML file of the project."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def targets() -> dict[str, str]:
    """The Makefile's targets and their commands."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", text, re.MULTILINE))


def test_ci_tries_every_python_that_may_install_the_package() -> None:
    """`requires-python` is 3.11 to 3.13, and so is CI's matrix."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lowest, above = map(int, re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project)[0])
    (job,) = read(".github/workflows/test.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == [f"3.{n}" for n in range(lowest, above)]


def test_hooks_run_what_make_check_runs() -> None:
    """Format, lint and types, by the tools of .venv."""
    (repo,) = read(".pre-commit-config.yaml")["repos"]
    tools = [hook["entry"].removeprefix(".venv/bin/").split()[:2] for hook in repo["hooks"]]
    checked = [line.split()[:2] for line in targets()["check"].replace("$(BIN)/", "").splitlines()]
    assert tools == [["ruff", "format"], ["ruff", "check"], ["mypy"]]
    assert checked == tools


def test_the_hooks_are_valid() -> None:
    """By pre-commit itself."""
    command = [sys.executable, "-m", "pre_commit", "validate-config"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_every_place_that_contributing_names_exists() -> None:
    """Whatever stands in its first table in backticks with a folder, but for placeholders."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:ncf_assets|ncf_assets_tests|data)/[^`<]+)`", text)
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []
