"""Measure how the table stages grow: seconds and peak memory by the number of reviews.

    python -m benchmarks.growth FOLDER [--sizes 100000 1000000 10000000 17000000] [--plot FILE]

For each size a file is generated into the folder (about 0.5 kB a review; an existing file is used
again), and `ncf-assets materialize` makes everything from `raw_reviews` to `test_candidates` of it.
NCF_DUCKDB_MEMORY_GB is 4 unless it is set; data that DuckDB cannot hold in that memory spills to
disk. Up to 10 million reviews, users and items are in the proportions of Amazon's Movies_and_TV of
2014; 17 million have the 6.5 million users and 750 thousand items of the file of 2023. The
benchmark prints a table in Markdown and, as its last line, JSON.
"""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generate
from benchmarks.lineage import Done, data_folder, materialize
from benchmarks.memory import TABLES

FULL = generate.Size()
OF_2023 = generate.Size(17_000_000, 6_500_000, 750_000, fewest=1)
SIZES = (100_000, 1_000_000, 10_000_000, OF_2023.reviews)
GROUPS = {
    "reading": ("reviews",),
    "ids and interactions": ("latest_reviews", "users", "items", "interactions"),
    "split": ("split_rule", "train", "validation", "test"),
    "negatives": ("negatives", "test_candidates"),
}


@dataclass(frozen=True)
class Grown:
    """The run of one size."""

    size: generate.Size
    done: Done

    def us(self, names: Sequence[str]) -> float:
        """Return the microseconds a review that these steps take."""
        return self.done.sum(names) / self.size.reviews * 1e6

    def peak_mb(self, names: Sequence[str]) -> float:
        """Return the peak memory of these steps."""
        return max(self.done.steps[name].peak_mb for name in names)


def size(reviews: int) -> generate.Size:
    """Return the size with users and items for so many reviews."""
    if reviews == OF_2023.reviews:
        return OF_2023
    share = reviews / FULL.reviews
    return generate.Size(reviews, int(FULL.users * share), int(FULL.items * share))


def grown(folder: Path, reviews: int) -> Grown:
    """Generate the file unless it exists, and make the tables."""
    of, file = size(reviews), folder / f"reviews_{reviews}.json.gz"
    if not file.exists():
        generate.write(unfinished := file.with_suffix(".part"), of, os.cpu_count() or 1)
        unfinished.rename(file)
    data = data_folder(folder / f"data_{reviews}", file)
    try:
        return Grown(of, materialize(data, select=TABLES))
    finally:
        shutil.rmtree(data)


def table(runs: Sequence[Grown]) -> str:
    """Return the figures of all runs as a Markdown table."""
    lines = [
        "| reviews | users | items | " + " | ".join(GROUPS) + " | all | peak MB |",
        "|" + "---:|" * (len(GROUPS) + 5),
    ]
    for run in runs:
        cells = [f"{n:,}" for n in (run.size.reviews, run.size.users, run.size.items)]
        cells += [
            f"{run.us(names):.1f} µs, {run.peak_mb(names):,.0f} MB" for names in GROUPS.values()
        ]
        cells += [f"{run.done.seconds:.0f} s", f"{run.done.peak_mb:,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(runs: Sequence[Grown], file: Path) -> None:
    """Plot time per review and peak memory by number of reviews."""
    from matplotlib import pyplot as plt

    figure, (times, memory) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    reviews = [run.size.reviews for run in runs]
    for name, names in GROUPS.items():
        times.plot(reviews, [run.us(names) for run in runs], marker="o", label=name)
        memory.plot(reviews, [run.peak_mb(names) for run in runs], marker="o", label=name)
    times.set(xscale="log", ylim=0, xlabel="reviews", ylabel="µs a review")
    memory.set(xscale="log", ylim=0, xlabel="reviews", ylabel="peak memory, MB")
    times.legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Make the tables at each size, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    chosen.folder.mkdir(exist_ok=True)
    os.environ.setdefault("NCF_DUCKDB_MEMORY_GB", "4")
    runs: list[Grown] = []
    for reviews in chosen.sizes:
        runs.append(grown(chosen.folder, reviews))
        print(table(runs), flush=True)
    if chosen.plot:
        plot(runs, chosen.plot)
    print(
        json.dumps(
            {
                run.size.reviews: {
                    "seconds": round(run.done.seconds, 1),
                    "us_per_review": round(run.done.seconds / run.size.reviews * 1e6, 2),
                    "peak_mb": round(run.done.peak_mb),
                }
                for run in runs
            }
        )
    )


if __name__ == "__main__":
    main()
