"""Materializing a dataset as its users do, with the time and the peak memory of every step.

The work is `ncf-assets materialize` in a process of its own, on a data folder of its own. Where the
file comes from, and what the figures are compared with, is the caller's concern.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

DATASET = "Generated"
LOOK = 0.02  # seconds between two looks at the memory
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Step:
    """One step of a run; its name is that of its asset, if it makes one alone."""

    name: str
    seconds: float
    peak_mb: float  # the most that the process had during the step, in 10^6 bytes


@dataclass(frozen=True)
class Done:
    """A run that succeeded; seconds from the command to its end, start of Python included."""

    seconds: float
    peak_mb: float
    steps: Mapping[str, Step]

    def sum(self, names: Iterable[str]) -> float:
        """Seconds of those steps together."""
        return sum(self.steps[name].seconds for name in names)


def data_folder(folder: Path, file: Path) -> Path:
    """A folder for NCF_DATA_DIR, with a generated file as its one dataset."""
    folder.mkdir()
    (folder / "datasets.toml").write_text(
        f'[{DATASET}]\nformat = "amazon-2014"\npath = "{file.resolve()}"\n'
    )
    return folder


def materialize(
    folder: Path, config: Mapping[str, Any] | None = None, select: Iterable[str] = ()
) -> Done:
    """Make the selected assets, all without any. SystemExit if that fails."""
    command = [str(Path(sys.executable).with_name("ncf-assets")), "materialize", DATASET]
    if config:
        (folder / "run.yaml").write_text(yaml.safe_dump(dict(config)))
        command += ["--config", str(folder / "run.yaml")]
    if chosen := ",".join(select):
        command += ["--select", chosen]
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    started = time.perf_counter()
    environment = inherited | {"NCF_DATA_DIR": str(folder)}
    with (
        subprocess.Popen(command, env=environment) as process,  # noqa: S603
        watched(process.pid) as looks,
    ):
        code = process.wait()
    if code:
        raise SystemExit(f"{' '.join(command)} failed")
    return Done(time.perf_counter() - started, max(looks.values()), _steps(folder, looks))


@contextmanager
def watched(pid: int) -> Iterator[Mapping[float, float]]:
    """What a process holds in memory, in MB, by the time of each look."""
    looks: dict[float, float] = {time.time(): 0.0}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            with suppress(OSError, IndexError):  # it has ended
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                looks[time.time()] = pages * PAGE / 1e6

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


def _steps(folder: Path, looks: Mapping[float, float]) -> dict[str, Step]:
    """The steps of the folder's last run, as Dagster has kept them."""
    with dg.DagsterInstance.from_config(str(folder / "dagster")) as instance:
        (run,) = instance.get_run_records(limit=1)
        found = instance.get_run_step_stats(run.dagster_run.run_id)
    steps = sorted(
        (stats.start_time or 0.0, stats.end_time or 0.0, stats.step_key) for stats in found
    )
    return {
        name: Step(
            name,
            end - start,
            max((mb for at, mb in looks.items() if start <= at <= end), default=0.0),
        )
        for start, end, name in steps
    }
