"""Make the synthetic sample: reviews that look like Amazon's 2014 5-core files, from a seed.

Run `python -m ncf_assets.ingest.sample data/sample/reviews_Sample_5.json.gz`. Nothing here is taken
from real data. The lines are the same on every machine: the only randomness is
`random.Random.random`, which Python keeps stable, and all arithmetic is fixed by IEEE 754. The
gzipped bytes may differ with the zlib that Python was built with.

Each item belongs to one of `TASTES` tastes, and some items belong to a second one. Each user has a
main taste and a lesser one. A user picks a taste, then an item of it by Zipf-like popularity. So
popularity explains a part of the choices, and the tastes explain much of the rest.
"""

import gzip
import json
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple

SEED = 20140723
TASTES = 8
CORE = 5  # every user and every item keeps at least so many reviews
_USERS, _ITEMS = 1505, 820  # before the 5-core; about 1,500 and 800 remain
_LAST_DAY = date(2014, 7, 23)  # the last day of the 2014 files
_SAME_DAY = 0.4  # the share of reviews written on the day of the user's next one
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SUMMARIES = ("", "One star", "Two stars", "Three stars", "Four stars", "Five stars")


class Choice(NamedTuple):
    """One synthetic review before it becomes a line."""

    item: int
    user: int
    stars: int  # 1 to 5
    day: date


class Shelf(NamedTuple):
    """The items of one taste, and the running sum of their popularity."""

    items: list[int]
    cumulative: list[float]


def sample(seed: int = SEED) -> bytes:
    """Return the sample's lines, not compressed: one JSON review each, ordered by item."""
    random = Random(seed)  # noqa: S311  # not for secrets
    shelves = _shelves(random)
    choices = [choice for user in range(_USERS) for choice in _choices(random, user, shelves)]
    kept = _five_core(choices)
    users, items = _ids(random, "A", 13, _USERS), sorted(_ids(random, "B00", 7, _ITEMS))
    return b"".join(_line(users[c.user], items[c.item], c) for c in sorted(kept))


def write(path: Path, lines: bytes) -> None:
    """Write gzipped lines, without a time or a name in the header."""
    path.write_bytes(gzip.compress(lines, mtime=0))


def _shelves(random: Random) -> list[Shelf]:
    """Return the tastes' items: each item has one taste, and a quarter of them have a second."""
    members: list[list[int]] = [[] for _ in range(TASTES)]
    for item in range(_ITEMS):
        taste = item % TASTES
        members[taste].append(item)
        if random.random() < 0.25:
            members[(taste + 1 + int(random.random() * (TASTES - 1))) % TASTES].append(item)
    order = _shuffled(random, range(_ITEMS))
    weight = {item: 1 / (rank + 12) for rank, item in enumerate(order)}  # Zipf-Mandelbrot
    return [Shelf(m, list(accumulate(weight[item] for item in m))) for m in members]


def _choices(random: Random, user: int, shelves: list[Shelf]) -> list[Choice]:
    """Return one user's reviews: 5 or more different items, with stars and days."""
    main = int(random.random() * TASTES)
    second = int(random.random() * TASTES)
    count = CORE + min(95, int(3.3 / random.random() - 3.3))  # long-tailed, about 16 on average
    picked: dict[int, bool] = {}  # item: whether it is of the user's tastes
    while len(picked) < count:
        chance = random.random()
        taste = main if chance < 0.8 else second if chance < 0.95 else int(random.random() * TASTES)
        shelf = shelves[taste]
        item = shelf.items[bisect(shelf.cumulative, random.random() * shelf.cumulative[-1])]
        picked.setdefault(item, taste in (main, second))
    days = _days(random, count)
    # in random order: popular items are picked early, and must not all be reviewed early
    return [
        Choice(item, user, _stars(random, picked[item]), day)
        for item, day in zip(_shuffled(random, picked), days, strict=True)
    ]


def _stars(random: Random, liked: bool) -> int:
    """Draw stars that are skewed to 5 as Amazon's are, but less so outside the user's tastes."""
    shares = (0.03, 0.07, 0.17, 0.40) if liked else (0.10, 0.22, 0.42, 0.68)
    return 1 + bisect(shares, random.random())


def _days(random: Random, count: int) -> list[date]:
    """Return days from the user's last one backwards; some are equal, others are days apart."""
    days = [_LAST_DAY - timedelta(days=int(700 * random.random()))]
    while len(days) < count:
        gap = 0 if random.random() < _SAME_DAY else 1 + int(90 * random.random() * random.random())
        days.append(days[-1] - timedelta(days=gap))
    return days


def _five_core(choices: list[Choice]) -> list[Choice]:
    """Drop users and items with fewer than `CORE` reviews until none is left."""
    while True:
        users, items = Counter(c.user for c in choices), Counter(c.item for c in choices)
        kept = [c for c in choices if users[c.user] >= CORE and items[c.item] >= CORE]
        if len(kept) == len(choices):
            return kept
        choices = kept


def _ids(random: Random, prefix: str, length: int, count: int) -> list[str]:
    ids: dict[str, None] = {}  # a dict keeps the order
    while len(ids) < count:
        letters = (_LETTERS[int(random.random() * len(_LETTERS))] for _ in range(length))
        ids[prefix + "".join(letters)] = None
    return list(ids)


def _shuffled(random: Random, items: Iterable[int]) -> list[int]:
    # by drawn keys, as Python may change `Random.shuffle`
    keyed = [(random.random(), item) for item in items]
    return [item for _, item in sorted(keyed)]


def _line(user_id: str, item_id: str, choice: Choice) -> bytes:
    day = choice.day
    review = {
        "reviewerID": user_id,
        "asin": item_id,
        "helpful": [0, 0],
        "reviewText": "A synthetic review.",
        "overall": float(choice.stars),
        "summary": _SUMMARIES[choice.stars],
        "unixReviewTime": int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()),
        "reviewTime": f"{day.month:02d} {day.day}, {day.year}",
    }
    return json.dumps(review).encode() + b"\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ncf_assets.ingest.sample FILE.json.gz")
    write(Path(sys.argv[1]), sample())
