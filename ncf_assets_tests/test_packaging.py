"""The locks fit pyproject.toml, make installs what a target needs, and wheels are whole."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
RUN, DEV, DOCS = LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock")
CPU = "requirements-cpu.lock"
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
EXTRAS = PROJECT["optional-dependencies"]


def locked(name: str) -> dict[str, set[str]]:
    """The packages of a lock file with their versions; more than one where Pythons differ."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)(?:\[[^]]*])?==([^ ;\\]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


def wanted(requirements: Iterable[str]) -> dict[str, Requirement]:
    """Requirements of pyproject.toml by their packages."""
    parsed = map(Requirement, requirements)
    return {canonicalize_name(each.name): each for each in parsed}


@pytest.mark.parametrize("name", [*LOCKS, CPU])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    """So that each may come from any index, and from none in another form."""
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = [each for each in re.split(r"^(?=[\w])", text, flags=re.MULTILINE) if each]
    assert entries
    assert [each for each in entries if not re.match(r"\S+==.+\\\n +--hash=sha256:", each)] == []
    assert "://" not in text
    assert "--index" not in text


def test_a_package_of_several_locks_has_one_version() -> None:
    """Whichever of them is installed after another changes nothing that is there."""
    run, dev, docs = map(locked, LOCKS)
    for one, other in ((run, dev), (run, docs), (dev, docs)):
        both = one.keys() & other.keys()
        assert both
        assert {name for name in both if not other[name] <= one[name]} == set()


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        (RUN, [*PROJECT["dependencies"], *EXTRAS["ui"], *EXTRAS["shell"], *GROUPS["install"]]),
        (DEV, GROUPS["dev"]),
        (DOCS, GROUPS["docs"]),
    ],
)
def test_the_locks_hold_what_pyproject_wants(name: str, requirements: list[str]) -> None:
    """In versions that it allows; `make lock` mends it."""
    found = locked(name)
    for package, requirement in wanted(requirements).items():
        assert all(map(requirement.specifier.contains, found[package])), requirement


def test_what_the_demo_installs_is_no_tool_of_development() -> None:
    """Nothing that the group dev or docs names, unless the pipeline runs on it too."""
    ours = wanted([*PROJECT["dependencies"], *EXTRAS["ui"], *EXTRAS["shell"]])
    tools = wanted([*GROUPS["dev"], *GROUPS["docs"]]).keys() - ours.keys()
    assert tools & locked(RUN).keys() == set()


def test_the_small_tensorflow_is_the_same_version() -> None:
    """tensorflow-cpu in place of tensorflow, alone in its lock."""
    assert locked(CPU) == {"tensorflow-cpu": locked(RUN)["tensorflow"]}


def test_the_extra_all_names_every_other() -> None:
    """By this package's own extras."""
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == EXTRAS.keys() - {"all"}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The project's set-up in a folder without an environment."""
    for name in ("Makefile", "pyproject.toml", *LOCKS, CPU):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def said(fresh: Path, *words: str) -> str:
    """What make would run."""
    command = ["make", "--dry-run", "--no-print-directory", *words]
    done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=True)
    return done.stdout


def environment_made_in(fresh: Path, folder: Path) -> None:
    """An environment that notes in which folder it was made, complete."""
    (fresh / ".venv").mkdir()
    (fresh / ".venv/location").write_text(f"{folder}\n")
    (fresh / ".venv/installed").touch()


@pytest.mark.process
@pytest.mark.parametrize(
    ("elsewhere", "made_again"), [(False, False), (True, True)], ids=["at home", "copied"]
)
def test_an_environment_of_another_folder_is_made_again(
    tmp_path: Path, elsewhere: bool, made_again: bool
) -> None:
    """A copied or renamed checkout would run the code of the first one. Paths may have spaces."""
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    for name in ("Makefile", "pyproject.toml", *LOCKS, CPU):
        shutil.copy(ROOT / name, checkout)
    environment_made_in(checkout, tmp_path / "first" if elsewhere else checkout)
    shown = said(checkout, "status")
    assert ("rm -rf .venv" in shown) is made_again
    assert ("--no-deps --no-build-isolation -e ." in shown) is made_again


@pytest.mark.process
@pytest.mark.parametrize(
    ("target", "locks"),
    [
        ("demo", [RUN]),
        ("ui", [RUN]),
        ("check", [RUN, DEV]),
        ("test-quick", [RUN, DEV, DOCS]),
        ("test", [RUN, DEV, DOCS]),
        ("docs", [RUN, DEV, DOCS]),
    ],
)
def test_make_installs_what_a_target_needs_by_hash(
    fresh: Path, target: str, locks: list[str]
) -> None:
    """By uv, and by pip where that fails; the project itself without its dependencies."""
    shown = said(fresh, target)
    assert re.findall(r"uv pip install .*--require-hashes -r (\S+) \|\|", shown) == locks
    assert re.findall(r"-m pip install .*--require-hashes -r (\S+);", shown) == locks
    assert "--no-deps --no-build-isolation -e ." in shown


@pytest.mark.process
def test_a_small_tensorflow_is_asked_for_once(fresh: Path) -> None:
    """What `make demo CPU=1` has noted holds for later targets, so both are never mixed."""
    assert CPU not in said(fresh, "demo")
    asked = said(fresh, "demo", "CPU=1")
    assert "touch .venv/cpu" in asked
    environment_made_in(fresh, fresh)
    (fresh / ".venv/installed").unlink()
    (fresh / ".venv/cpu").touch()
    assert said(fresh, "demo") == asked


@pytest.mark.process
def test_the_small_tensorflow_takes_the_place_of_the_other(fresh: Path) -> None:
    """By the line of the Makefile that writes what is installed then."""
    (line,) = [
        each for each in said(fresh, "demo", "CPU=1").splitlines() if "> .venv/cpu.lock" in each
    ]
    (fresh / ".venv").mkdir()
    subprocess.run(["sh", "-c", line], cwd=fresh, check=True)
    names = {**locked(RUN), **locked(CPU)}.keys() - {"tensorflow"}
    assert locked(str(fresh / ".venv/cpu.lock")).keys() == names


@pytest.mark.process
def test_wheel_and_source_hold_registry_sample_and_workspace(tmp_path: Path) -> None:
    """A wheel, which has no checkout beside it, as ncf_assets/resources/; its SQL too."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    resources = {
        "datasets.toml": "data/datasets.toml",
        "sample/reviews_Sample_5.json.gz": "data/sample/reviews_Sample_5.json.gz",
        "workspace.yaml": "workspace.yaml",
    }
    with zipfile.ZipFile(wheel) as held:
        for name, original in resources.items():
            assert held.read(f"ncf_assets/resources/{name}") == (ROOT / original).read_bytes()
        in_wheel = set(held.namelist())
    for path in (ROOT / "ncf_assets").rglob("*.sql"):
        assert str(path.relative_to(ROOT)) in in_wheel
    with tarfile.open(source) as held_source:
        in_source = {"/".join(Path(name).parts[1:]) for name in held_source.getnames()}
    assert {*resources.values(), "pyproject.toml", "Makefile", *LOCKS} <= in_source
