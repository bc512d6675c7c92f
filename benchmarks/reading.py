"""Measure how long reading a file of reviews takes, against `gzip -dc FILE | wc -l` on it.

    python -m benchmarks.reading [--reviews 300000] [--repeat 3]

The file is generated and looks like the files of 2014: about 1,000 bytes a review, a third of that
when compressed. Both sides read it in turn, from memory that the first reading has filled; the best
time of each counts. The last line is a JSON object; `read_vs_gzip`, of JSON, must stay below 1.5.
Python dictionaries (`read_loose_vs_gzip`) have no such bound, as Python code translates them first.
"""

import argparse
import gzip
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.reader import read
from ncf_assets.ncf.random_streams import rng

WORDS = 20_000  # different ones, used as often as their rank allows (Zipf)
POOL = 2_000_000  # words of running text, from which reviews are cut
LAST_DAY = date(2014, 7, 23)


def main() -> None:
    """Generate the file, measure both sides, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reviews", type=int, default=300_000)
    arguments.add_argument("--repeat", type=int, default=3)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        strict, loose = Path(folder, "strict.json.gz"), Path(folder, "loose.json.gz")
        for file, write in ((strict, json.dumps), (loose, repr)):
            write_reviews(file, chosen.reviews, write)
            print(f"{file.name}: {chosen.reviews:,} reviews, {file.stat().st_size / 1e6:,.0f} MB")
        figures = measure(strict, chosen.reviews, chosen.repeat)
        loosely = measure(loose, chosen.reviews, 1)
    figures["read_loose_vs_gzip"] = loosely["read_vs_gzip"]
    print(json.dumps(figures))


def measure(file: Path, n_reviews: int, repeat: int) -> dict[str, float]:
    """Return the best of `repeat` times of each side, in seconds, and their ratio."""
    times = [(seconds(lambda: gzip_wc(file)), seconds(lambda: ours(file))) for _ in range(repeat)]
    assert gzip_wc(file) == ours(file) == n_reviews  # noqa: S101  # otherwise the times mean nothing
    gzip_best, read_best = (min(side) for side in zip(*times, strict=True))
    print(f"{file.name}: gzip -dc | wc -l {gzip_best:.2f} s, read {read_best:.2f} s")
    return {
        "reviews": n_reviews,
        "gzip_seconds": round(gzip_best, 3),
        "read_seconds": round(read_best, 3),
        "reviews_per_second": round(n_reviews / read_best),
        "read_vs_gzip": round(read_best / gzip_best, 3),
    }


def gzip_wc(file: Path) -> int:
    """Count lines as a shell does."""
    script = 'gzip -dc "$1" | wc -l'
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", script, "sh", str(file)], capture_output=True, check=True
    )
    return int(done.stdout)


def ours(file: Path) -> int:
    """Read and validate every review."""
    batches = read(file, Dataset("X", "X", "amazon-2014"), LAST_DAY)
    return sum(batch.accepted.num_rows for batch in batches)


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write_reviews(file: Path, n: int, write: Callable[[dict[str, object]], str]) -> None:
    """Write a gzipped file of n generated reviews, one a line."""
    with gzip.open(file, "wt", compresslevel=6, encoding="utf-8") as stream:
        stream.writelines(write(review) + "\n" for review in reviews(n))


def reviews(n: int) -> Iterator[dict[str, object]]:
    """Yield reviews with the keys, lengths and repetitions of real ones."""
    generator = rng(2017, "generated reviews")
    text = running_text(generator)
    lengths = np.minimum(generator.lognormal(4.5, 0.9, n).astype(int) + 5, 2000)  # words
    starts = generator.integers(0, POOL - 2005, n)
    days = generator.integers(10_000, 16_000, n)
    for i in range(n):
        words = text[starts[i] : starts[i] + lengths[i]]
        yield {
            "reviewerID": f"A{generator.integers(1 << 44):013X}",
            "asin": f"B{generator.integers(1 << 24):09d}",
            "reviewerName": f'{words[0]} {words[1]} "{words[2]}"',
            "helpful": [0, int(lengths[i]) % 7],
            "reviewText": ". ".join((" ".join(words[5:]), "It's what I wanted\n")),
            "overall": float(generator.integers(1, 6)),
            "summary": " ".join(words[:5]),
            "unixReviewTime": int(days[i]) * 86_400,
            "reviewTime": "07 9, 2012",
        }


def running_text(generator: np.random.Generator) -> list[str]:
    """Return words in the proportions of a natural language."""
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    likely = 1 / np.arange(1, letters.size + 1) ** 0.7
    words = np.array(
        [
            "".join(generator.choice(letters, length, p=likely / likely.sum()))
            for length in generator.integers(1, 11, WORDS)
        ]
    )
    rank = 1 / np.arange(1, WORDS + 1)
    return list(words[generator.choice(WORDS, POOL, p=rank / rank.sum())])


if __name__ == "__main__":
    main()
