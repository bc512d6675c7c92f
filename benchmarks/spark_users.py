"""Compare one core with Spark and the same core without: negatives, ranks and recommendations.

`python -m benchmarks.spark_users` keeps itself, and so Java and Spark's workers, to one core, and
counts the processor time of all of them. It needs pyspark and Java 17, and reads no file. Starting
Spark, importing in its worker and a first task are not counted, as a long run has them once; their
sum is printed. `--scale 0.1` takes a tenth of the users, for a quick try.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.ranking import FACTORS, LAYERS, SEEN, K, world
from ncf_assets.ncf.evaluation.evaluation_negatives import AT_ONCE, Negatives
from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend.user_blocks import Arrays, Ranks, Recommendations, scored_at_once
from ncf_assets.orchestration.user_blocks import map_users
from ncf_assets.warehouse.spark import Spark
from ncf_assets.warehouse.warehouse import Warehouse

USERS, ITEMS = 40_000, 10_000  # as many scores as an Amazon category of middle size
DRAWN_FOR = 20  # times as many users get negatives, which are drawn faster than scores are made
N_NEGATIVES, SEED = 99, 2017
TICKS = os.sysconf("SC_CLK_TCK")  # in which Linux counts processor time
WARM_UP = np.arange(8)


def processor_seconds(root: int) -> float:
    """Return the processor time so far of a process and all below it, those that ended too."""
    fields = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields[int(stat.parent.name)] = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
    tree, rest = {root}, set(fields) - {root}
    while below := {process for process in rest if int(fields[process][1]) in tree}:
        tree |= below
        rest -= below
    return sum(int(x) for process in tree for x in fields[process][11:15]) / TICKS


@contextmanager
def counted(to: dict[str, float], name: str) -> Iterator[None]:
    """Put the processor time of a block of code under a name."""
    before = processor_seconds(os.getpid())
    yield
    to[name] = round(processor_seconds(os.getpid()) - before, 2)


def works(n_users: int) -> dict[str, tuple[Callable[[np.ndarray], Arrays], np.ndarray, int]]:
    """Return by name what is made of blocks, of which users, and how many at once."""
    given = world(n_users, ITEMS)
    scorer, users, at_once = block_scorer(given.model), given.users, scored_at_once(ITEMS)
    ranks = Ranks("neumf", scorer, users, given.candidates, given.seen, given.seen, K)
    drawn_for = np.arange(DRAWN_FOR * n_users)
    generator = np.random.default_rng(SEED)
    keys = generator.integers(2**63, size=drawn_for.size).astype(np.uint64)
    items = generator.integers(ITEMS, size=drawn_for.size * SEEN)
    seen = InteractionSet(np.repeat(drawn_for, SEEN), items, ITEMS)
    return {
        "negatives": (Negatives(keys, seen, N_NEGATIVES, SEED), drawn_for, AT_ONCE),
        "ranks": (ranks, users, at_once),
        "recommendations": (Recommendations("neumf", scorer, given.seen, K), users, at_once),
    }


def measure(n_users: int, folder: Path) -> dict[str, float]:
    """Return the processor time of each work by one core, without Spark and with it."""
    seconds: dict[str, float] = {}
    spark = Spark("local[1]")
    # a work asks for no more of a run than where it is
    here: Any = SimpleNamespace(warehouse=Warehouse(folder), dataset="benchmark")
    there: Any = SimpleNamespace(warehouse=Warehouse(folder, spark=spark), dataset="benchmark")
    made = works(n_users)
    with counted(seconds, "start of Spark"):
        for work, _, _ in made.values():
            list(map_users(there, work, WARM_UP, WARM_UP.size))
    for name, (work, users, at_once) in made.items():
        with counted(seconds, f"{name} without"):
            alone = list(map_users(here, work, users, at_once))
        with counted(seconds, f"{name} with"):
            by_spark = list(map_users(there, work, users, at_once))
        for one, other in zip(alone, by_spark, strict=True):
            assert all((one[column] == other[column]).all() for column in one)  # noqa: S101
        seconds[f"{name} ratio"] = round(seconds[f"{name} with"] / seconds[f"{name} without"], 2)
    spark.close()
    return seconds


def main() -> None:
    """Print the figures, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the users")
    n_users = int(USERS * parser.parse_args().scale)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{n_users:,} users by {ITEMS:,} items, NeuMF of {FACTORS} factors and layers {LAYERS}")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(n_users, Path(folder))))


if __name__ == "__main__":
    main()
