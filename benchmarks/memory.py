"""Measure the memory of the table stages on 1.7 million reviews, under a limit of the kernel.

    python -m benchmarks.memory [--reviews 1700000] [--limit-gb 4]

The reviews are generated: the sizes are about those of Amazon's Electronics of 2014, 192,000 users
and 63,000 items, with a long tail of both. `ncf-assets materialize` makes all tables from
`raw_reviews` to `test_candidates`, in one process whose writable memory is limited (RLIMIT_DATA, as
by `prlimit --data`). The last line is a JSON object.
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ncf_assets.ncf.random_streams import rng

TABLES = (
    "raw_reviews",
    "rejected_reviews",
    "latest_reviews",
    "filters",
    "users",
    "items",
    "interactions",
    "split_rule",
    "train",
    "validation",
    "test",
    "negatives",
    "test_candidates",
)
BY_USER = 9  # reviews on average, as in Electronics
FEWEST, MOST = 3, 100  # reviews of a user
BY_ITEM = 27  # reviews on average


def main() -> None:
    """Generate the reviews, materialize under the limit, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reviews", type=int, default=1_700_000)
    arguments.add_argument("--limit-gb", type=float, default=4)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(Path(folder), chosen.reviews)
        started = time.perf_counter()
        peak_mb = materialize(Path(folder), int(chosen.limit_gb * 1e9))
        seconds = time.perf_counter() - started
    figures = {"reviews": chosen.reviews, "limit_gb": chosen.limit_gb}
    print(json.dumps(figures | {"seconds": round(seconds, 1), "peak_mb": peak_mb}))


def write_dataset(folder: Path, n: int) -> None:
    """Write a data folder whose Sample has n generated reviews."""
    with gzip.open(folder / "reviews.json.gz", "wt", compresslevel=1) as stream:
        stream.writelines(reviews(n))
    entry = '[Sample]\nformat = "amazon-2014"\npath = "reviews.json.gz"\n'
    (folder / "datasets.toml").write_text(entry)


def reviews(n: int) -> Iterator[str]:
    """Yield lines as in the files of 2014, without text: long tails of users and of items."""
    generator = rng(2017, "generated reviews")
    activity = generator.exponential(BY_USER - FEWEST, 2 * n // BY_USER).astype(int) + FEWEST
    users = np.repeat(np.arange(activity.size), activity.clip(FEWEST, MOST))[:n]
    popularity = 1 / (np.arange(max(200, n // BY_ITEM)) + 30)  # Zipf-Mandelbrot
    items = generator.choice(popularity.size, n, p=popularity / popularity.sum())
    days = generator.integers(13_000, 16_000, n)
    for user, item, day in zip(users.tolist(), items.tolist(), days.tolist(), strict=True):
        yield (
            f'{{"reviewerID": "A{user:013d}", "asin": "B{item:09d}", "overall": 5.0,'
            f' "unixReviewTime": {day * 86_400}}}\n'
        )


def materialize(folder: Path, limit: int) -> int:
    """Make the tables in a process limited to `limit` bytes, and return its peak in 10^6 bytes."""
    command = [
        str(Path(sys.executable).with_name("ncf-assets")),
        "materialize",
        "Sample",
        "--seeds",
        "1",
    ]
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    done = subprocess.run(  # noqa: S603
        [*command, "--select", ",".join(TABLES)],
        env=inherited | {"NCF_DATA_DIR": str(folder)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"The tables were not made within {limit / 1e9:g} GB. Raise --limit-gb, or correct the"
            " error that the command printed above."
        )
    return round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6)


if __name__ == "__main__":
    main()
