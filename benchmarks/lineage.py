"""Materialize a dataset as users do, and measure the time and the peak memory of every step.

The work is `ncf-assets materialize` in a separate process, on a separate data folder. The callers,
such as `benchmarks.pipeline`, supply the file and compare the figures.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

DATASET = "Generated"
NCF = [str(Path(sys.executable).with_name("ncf-assets"))]
LOOK = 0.02  # seconds between two looks at the memory
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Step:
    """One step of a run; its name is that of its asset, if it makes only one."""

    name: str
    seconds: float
    peak_mb: float  # maximum memory of the process during the step, in 10^6 bytes


@dataclass(frozen=True)
class Done:
    """A run that succeeded; its seconds include the start of Python."""

    seconds: float
    peak_mb: float
    steps: Mapping[str, Step]

    def sum(self, names: Iterable[str]) -> float:
        """Return the seconds of these steps together."""
        return sum(self.steps[name].seconds for name in names)


def data_folder(folder: Path, file: Path) -> Path:
    """Make a folder for NCF_DATA_DIR, with a generated file as its one dataset."""
    folder.mkdir()
    (folder / "datasets.toml").write_text(
        f'[{DATASET}]\nformat = "amazon-2014"\npath = "{file.resolve()}"\n'
    )
    return folder


def materialize(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    select: Iterable[str] = (),
    command: Sequence[str] = NCF,
    at: Path | None = None,
) -> Done:
    """Make the selected assets, or all if none are selected. Raise SystemExit if that fails.

    `command` stands for `ncf-assets`, and is run in the folder `at`, or in this one.
    """
    command = [*command, "materialize", DATASET]
    if config:
        (folder / "run.yaml").write_text(yaml.safe_dump(dict(config)))
        command += ["--config", str(folder / "run.yaml")]
    if chosen := ",".join(select):
        command += ["--select", chosen]
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    started = time.perf_counter()
    environment = inherited | {"NCF_DATA_DIR": str(folder)}
    with (
        subprocess.Popen(command, env=environment, cwd=at) as process,  # noqa: S603
        watched(partial(resident, process.pid), LOOK) as looks,
    ):
        code = process.wait()
    if code:
        raise SystemExit(f"{' '.join(command)} failed. Correct the error that it printed above.")
    return Done(time.perf_counter() - started, max(looks.values()), _steps(folder, looks))


@contextmanager
def watched(memory: Callable[[], float], every: float) -> Iterator[Mapping[float, float]]:
    """Call `memory` every so many seconds, and give its values by the time of each call."""
    looks: dict[float, float] = {time.time(): 0.0}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(every):
            looks[time.time()] = memory()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


def resident(pid: int) -> float:
    """Return the memory that a process holds, in MB; 0 if it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
    return 0.0


def _steps(folder: Path, looks: Mapping[float, float]) -> dict[str, Step]:
    """Return the steps of the folder's last run, as Dagster has recorded them."""
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
