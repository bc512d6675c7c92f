"""A wheel that is installed outside the checkout works, and does not write into itself."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import duckdb
import pytest
import yaml

from ncf_assets_tests.paths import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

ONCE = {"epochs": 1, "refit": False}
QUICK = {  # the Sample at the size of a test
    "ops": {
        "ials_model": {"config": {"factors": 4, "iterations": 1, "regularization": [0.01]}},
        "itemknn_model": {"config": {"neighbors": [20], "shrinkage": [10.0]}},
        "ease_model": {"config": {"regularization": [300.0]}},
        "gmf_model": {"config": {"factors": 8, **ONCE}},
        "mlp_model": {"config": {"layers": [8, 4], **ONCE}},
        "neumf_scratch_model": {"config": {"layers": [8, 4], **ONCE}},
        "neumf_model": {"config": {"factors": 8, "layers": [4, 2], **ONCE}},
        "seed_ranks": {"config": {"seeds": 1}},
        "evaluation": {"config": {"ks": [10]}},
    }
}


class Installed:
    """An environment with the wheel alone; what it depends on is found where this Python has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.packages = Path(
            sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        )
        venv.create(folder, with_pip=False, symlinks=True)
        dependencies = sysconfig.get_path("purelib")
        (self.packages / "dependencies.pth").write_text(f"{dependencies}\n")

    def install(self, wheel: Path) -> None:
        """Install the wheel without dependencies."""
        command = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install"]
        run([*command, "--quiet", "--no-deps", "--no-index", str(wheel)], self.folder)

    def ncf(self, *words: str, at: Path, **variables: str) -> str:
        """Run `ncf-assets` in a folder, as its user does; return what it prints."""
        return run([str(self.bin / "ncf-assets"), *words], at, **variables)

    def files(self) -> set[str]:
        """Return what is installed, without Python's own caches."""
        found = self.packages.rglob("*")
        return {str(path) for path in found if "__pycache__" not in path.parts}


def run(command: list[str], at: Path, **variables: str) -> str:
    """Run a command that must succeed, without this process's settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NCF_", "DAGSTER_", "PYTHONPATH", "XDG_"))
    }
    done = subprocess.run(
        command, cwd=at, env=inherited | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout in an environment of its own, whose path has a space."""
    folder = tmp_path_factory.mktemp("an environment")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    found = Installed(folder / "env")
    found.install(wheel)
    return found


def test_a_project_of_ones_own_materializes_the_sample(
    installed: Installed, tmp_path: Path
) -> None:
    """`init`, then the Sample within the new folder; nothing is written where it is installed."""
    before = installed.files()
    (tmp_path / "quick.yaml").write_text(yaml.safe_dump(QUICK))
    installed.ncf("init", "my project", at=tmp_path)
    project = tmp_path / "my project"
    config = str(tmp_path / "quick.yaml")
    printed = installed.ncf("materialize", "Sample", "--config", config, at=project)
    assert "Sample is materialized" in printed
    with duckdb.connect(str(project / "data/warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("select count(*) from raw_reviews").fetchone()
    assert rows == (22_954,)
    assert (project / "data/reports/dataset=Sample/report.html").exists()
    assert installed.files() == before


def test_without_a_project_data_are_in_the_users_own_folder(
    installed: Installed, tmp_path: Path
) -> None:
    """Its registry is the one of the wheel, with the Sample."""
    home = installed.ncf("dagster-home", at=tmp_path, XDG_DATA_HOME=str(tmp_path / "share"))
    assert home.strip() == str(tmp_path / "share/ncf-assets/dagster")
    tables = "raw_reviews,rejected_reviews,latest_reviews,users,items,interactions"
    installed.ncf(
        "materialize",
        "Sample",
        "--select",
        tables,
        at=tmp_path,
        XDG_DATA_HOME=str(tmp_path / "share"),
    )
    assert (tmp_path / "share/ncf-assets/tables/users/dataset=Sample/data.parquet").exists()


def test_a_project_is_not_made_over_another(installed: Installed, tmp_path: Path) -> None:
    """What somebody wrote into a registry stays."""
    installed.ncf("init", "mine", at=tmp_path)
    registry = tmp_path / "mine/data/datasets.toml"
    registry.write_text("# my own")
    done = subprocess.run(
        [str(installed.bin / "ncf-assets"), "init", "mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "mine/data/datasets.toml exists. Name another folder, or remove it." in done.stderr
    assert registry.read_text() == "# my own"


def test_the_script_of_a_copied_environment_is_refused(
    installed: Installed, tmp_path: Path
) -> None:
    """It would run the code of the environment that it was copied from."""
    copied = tmp_path / "copy/.venv"
    (copied / "bin").mkdir(parents=True)
    (copied / "pyvenv.cfg").write_text("")
    script = copied / "bin/ncf-assets"
    script.write_bytes((installed.bin / "ncf-assets").read_bytes())
    script.chmod(0o755)
    done = subprocess.run([str(script), "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"is a copy, which runs the code of {installed.folder}" in done.stderr
    assert f"Run `make` in {copied.parent}" in done.stderr
