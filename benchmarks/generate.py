"""Generate files of reviews that look like Amazon's files of 2014, of any size.

    python -m benchmarks.generate FILE [--reviews 1697533] [--users 123960] [--items 50052]

Every user has at least `--fewest` reviews, each of another item; the rest follow a power law, as
the items do. `reviewTime` is only near the day that `unixReviewTime` states. The same seed gives
the same bytes whatever the number of processes: a block of users has its own generator and
becomes one gzip member. `benchmarks.growth`, `benchmarks.many` and `benchmarks.pipeline` read such
files.
"""

import argparse
import functools
import gzip
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.reading import POOL, running_text
from ncf_assets.ncf.random_streams import rng

BLOCK = 5_000  # about so many reviews in a gzip member
EXPONENT = 0.5  # chosen: at Movies_and_TV's size the top item gets about 0.2 % of the reviews
LENGTH = 4.73, 0.95  # lognormal, in words; chosen: about 1,380 bytes a line, as Digital_Music
FEWEST_WORDS, MOST_WORDS = 12, 2_500
USER_STEP, ITEM_STEP = 0x5DEECE66D, 618_033_989  # coprime to the number of ids, so ids differ


@dataclass(frozen=True)
class Size:
    """The size to generate; the defaults are those of Amazon's Movies_and_TV of 2014."""

    reviews: int = 1_697_533
    users: int = 123_960
    items: int = 50_052
    fewest: int = 5  # reviews of a user
    seed: int = 2017


def write(file: Path, size: Size, processes: int) -> int:
    """Write the file, and return the number of bytes before compression."""
    work = functools.partial(member, size)
    n_bytes = 0
    with multiprocessing.get_context("spawn").Pool(processes) as pool, file.open("wb") as stream:
        for packed, length in pool.imap(work, blocks(counts(size))):
            stream.write(packed)
            n_bytes += length
    return n_bytes


def counts(size: Size) -> np.ndarray:
    """Draw the number of reviews of each user, int64 [users]; their sum is `size.reviews`."""
    rest = size.reviews - size.users * size.fewest
    if rest < 0:
        raise ValueError(
            f"{size.users:,} users with {size.fewest} reviews each need"
            f" {size.users * size.fewest:,} reviews, got {size.reviews:,}. Ask for more reviews."
        )
    generator = rng(size.seed, "generated users")
    share = generator.permutation(power_law(size.users))
    reviews = size.fewest + generator.multinomial(rest, share)
    if reviews.max() > size.items // 2:
        raise ValueError(
            f"A user may review half of the items at most, found {reviews.max():,} reviews of"
            f" {size.items:,} items. Ask for more items or fewer reviews."
        )
    return reviews


def blocks(reviews: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first user of each block, and its users' numbers of reviews."""
    block = (reviews.cumsum() - 1) // BLOCK  # [users]
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    for start, end in zip(starts, [*starts[1:], reviews.size], strict=True):
        yield int(start), reviews[start:end]


def member(size: Size, block: tuple[int, np.ndarray]) -> tuple[bytes, int]:
    """Return a gzip member with a block's reviews, and its length before compression."""
    first, reviews = block
    generator = rng(size.seed, f"generated reviews from user {first}")
    users = np.repeat(np.arange(reviews.size), reviews)
    items = distinct_items(users, size.items, generator)
    text = b"".join(lines(first + users, items, generator))
    return gzip.compress(text, compresslevel=6, mtime=0), len(text)


def distinct_items(users: np.ndarray, n_items: int, generator: np.random.Generator) -> np.ndarray:
    """Draw an item for each review, int64 [n]; no user has an item twice."""
    bounds = item_bounds(n_items)
    items = np.searchsorted(bounds, generator.random(users.size), side="right")
    while (again := repeated(users * n_items + items)).any():
        items[again] = np.searchsorted(bounds, generator.random(again.sum()), side="right")
    return items


def repeated(keys: np.ndarray) -> np.ndarray:
    """Return which keys are repetitions of an earlier one, bool [n]."""
    first = np.unique(keys, return_index=True)[1]
    return ~np.isin(np.arange(keys.size), first)


def lines(users: np.ndarray, items: np.ndarray, generator: np.random.Generator) -> Iterator[bytes]:
    """Yield one JSON object for each review, with its end of line."""
    text, spaces = running_bytes()
    n = users.size
    lengths = generator.lognormal(*LENGTH, n).astype(int).clip(FEWEST_WORDS, MOST_WORDS)  # words
    starts = generator.integers(POOL - MOST_WORDS - 1, size=n)
    days = generator.integers(10_000, 16_000, n)  # since 1970
    stars = generator.choice(np.arange(1, 6), n, p=[0.06, 0.06, 0.12, 0.23, 0.53])
    user_ids = users * USER_STEP % (1 << 52)
    item_ids = items * ITEM_STEP % 10**9
    begin, summary, end = (spaces[starts + words] for words in (0, 5, lengths))
    columns = (user_ids, item_ids, begin, summary, end, stars, days)
    for user, item, b, s, e, star, day in zip(*(c.tolist() for c in columns), strict=True):
        yield (
            b'{"reviewerID": "A%013X", "asin": "B%09d", "reviewerName": "%s", "helpful": [0, %d],'
            b' "reviewText": "%s", "overall": %d.0, "summary": "%s", "unixReviewTime": %d,'
            b' "reviewTime": "%02d 1, %d"}\n'
        ) % (
            user, item, text[b : b + 12], day % 7, text[s:e], star, text[b : s - 1],
            day * 86_400, day % 12 + 1, 1970 + day // 366,
        )  # fmt: skip


@functools.cache
def item_bounds(n_items: int) -> np.ndarray:
    """Return the upper bound of each item in [0, 1), float64 [n_items]."""
    bounds = power_law(n_items).cumsum()
    bounds[-1] = 1  # exactly, without a rounding error
    return bounds


@functools.cache
def running_bytes() -> tuple[bytes, np.ndarray]:
    """Return running text, and where each of its words begins, int64 [POOL]."""
    words = running_text(rng(2017, "generated text"))
    widths = np.fromiter((len(word) + 1 for word in words), np.int64, len(words))
    return " ".join(words).encode(), widths.cumsum() - widths


def power_law(n: int) -> np.ndarray:
    """Return shares that fall with the rank, float64 [n]."""
    weights = np.arange(1, n + 1) ** -EXPONENT
    return weights / weights.sum()


def main() -> None:
    """Write a file and print its figures, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    for name, default in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = vars(parser.parse_args())
    file, processes = chosen.pop("file"), chosen.pop("processes")
    size = Size(**chosen)
    started = time.perf_counter()
    n_bytes = write(file, size, processes)
    seconds = time.perf_counter() - started
    figures = {
        "reviews": size.reviews,
        "seconds": round(seconds, 1),
        "mb_per_second": round(n_bytes / 1e6 / seconds, 1),  # of JSON, before compression
        "bytes_per_review": round(n_bytes / size.reviews),
        "gzip_ratio": round(n_bytes / file.stat().st_size, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
