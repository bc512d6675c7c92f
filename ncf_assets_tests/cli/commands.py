"""Running `ncf-assets` as its user does: as a process, on a data folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from ncf_assets_tests.tiny import CONFIG, write_source

BIN = Path(sys.executable).parent


def environment(data: Path) -> dict[str, str]:
    """The caller's environment with this data folder, and Dagster's history within it."""
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return inherited | {
        "NCF_DATA_DIR": str(data),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COLUMNS": "200",
    }


def run(
    data: Path, *words: str, typed: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command of the environment, to its end, with more environment variables."""
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        env=environment(data) | more,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def ncf(
    data: Path, *words: str, typed: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """`ncf-assets` with these words, what is typed into it, and more environment variables."""
    return run(data, "ncf-assets", *words, typed=typed, **more)


def tiny_folder(folder: Path, others: str = "") -> Path:
    """A data folder whose Sample is the tiny data set, with run.yaml to fit it."""
    write_source(folder)
    with (folder / "datasets.toml").open("a") as registry:
        registry.write(others)
    (folder / "run.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder
