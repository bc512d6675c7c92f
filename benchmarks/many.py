"""Measure a backfill of 24 datasets: time and memory of all processes, by runs at once.

    python -m benchmarks.many FOLDER [--share 0.1] [--at-once 1 2]

For each of the 24 categories in data/datasets.toml a file is generated with a share of its reviews
(an existing file is used again). Users and items are in the proportions of Movies_and_TV, but items
are 400 at least. `ncf-assets backfill --all` then makes all assets of all datasets, with the
default configuration. The benchmark prints the time of each and, as its last line, JSON.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import dagster as dg
import yaml

import ncf_assets
from benchmarks import generate
from benchmarks.growth import size
from benchmarks.lineage import resident, watched
from ncf_assets.datasets import Dataset, load
from ncf_assets.warehouse.paths import bundled

LOOK = 0.5  # seconds between two looks at the memory
FEWEST_ITEMS = 400  # so that every user has 99 unseen ones for each split


def categories() -> dict[str, Dataset]:
    """Return all datasets of the registry but the Sample, which is not of Amazon's size."""
    known = load(bundled("datasets.toml"))
    return {name: dataset for name, dataset in known.items() if name != "Sample"}


def write_files(folder: Path, share: float) -> str:
    """Generate the files that do not exist, and return the text of the registry."""
    entries = []
    for name, dataset in categories().items():
        of = size(int((dataset.expected_reviews or 0) * share))
        of = generate.Size(of.reviews, of.users, max(FEWEST_ITEMS, of.items))
        file = folder / f"{name}_{of.reviews}.json.gz"
        if not file.exists():
            generate.write(unfinished := file.with_suffix(".part"), of, os.cpu_count() or 1)
            unfinished.rename(file)
        entries.append(f'[{name}]\nformat = "amazon-2014"\npath = "{file.resolve()}"\n')
    return "\n".join(entries)


def backfill(data: Path, at_once: int) -> tuple[float, float, dict[str, float]]:
    """Run the backfill, and return its seconds, its peak memory in MB, and seconds by dataset."""
    home = data / "dagster"
    home.mkdir()
    settings = yaml.safe_load(Path(ncf_assets.__file__).with_name("dagster.yaml").read_text())
    settings["concurrency"]["runs"]["max_concurrent_runs"] = at_once
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    started = time.perf_counter()
    with watched(partial(resident_on, data), LOOK) as looks:
        done = subprocess.run(  # noqa: S603
            [str(Path(sys.executable).with_name("ncf-assets")), "backfill", "--all"],
            env=inherited | {"NCF_DATA_DIR": str(data)},
            check=False,
        )
    if done.returncode:
        raise SystemExit("A dataset failed. Correct the error that its run logged above.")
    seconds = time.perf_counter() - started
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_run_records()
    times = {
        run.dagster_run.tags["dagster/partition"]: (run.end_time or 0) - (run.start_time or 0)
        for run in runs
    }
    return seconds, max(looks.values()), times


def resident_on(data: Path) -> float:
    """Return the memory of all processes on a data folder, in MB."""
    mark = f"NCF_DATA_DIR={data}\0".encode()
    total = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            total += (
                resident(int(process.name)) if mark in (process / "environ").read_bytes() else 0
            )
    return total


def main() -> None:
    """Backfill with each number of runs at once, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.1, help="of the categories' reviews")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2], help="runs at once")
    chosen = parser.parse_args()
    chosen.folder.mkdir(exist_ok=True)
    registry = write_files(chosen.folder, chosen.share)
    figures = {}
    for at_once in chosen.at_once:
        data = chosen.folder.resolve() / f"data_{at_once}"
        data.mkdir()
        (data / "datasets.toml").write_text(registry)
        try:
            seconds, peak_mb, times = backfill(data, at_once)
        finally:
            shutil.rmtree(data)
        for name, took in sorted(times.items(), key=lambda pair: -pair[1]):
            print(f"{at_once} at once: {name:<30}{took:>8.1f} s")
        figures[at_once] = {"seconds": round(seconds), "peak_mb": round(peak_mb)}
    print(json.dumps({"datasets": len(categories()), "share": chosen.share, "at_once": figures}))


if __name__ == "__main__":
    main()
