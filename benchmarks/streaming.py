"""What it costs to read the training pairs part by part (`stream: true`), against holding them.

    python -m benchmarks.streaming [--data FOLDER]

Speed and peak memory at Movies_and_TV's size, NeuMF of 8 factors, each in a process of its own.
With the folder of the NCF paper's MovieLens-1M files also what a network reaches on validation
items: the recipe of `benchmarks.ml1m` from random weights, in memory and in eight parts.
The last line is a JSON object.
"""

import argparse
import json
import math
import multiprocessing
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.defaults import configuration
from benchmarks.ml1m_recipes import SCRATCH
from benchmarks.movielens import N_ITEMS, N_USERS, load, validation
from benchmarks.training import LARGE, LAYERS
from ncf_assets.assets.training_config import TrainingConfig
from ncf_assets.ncf import examples, neumf
from ncf_assets.ncf.history import best_epoch
from ncf_assets.ncf.training import train

EPOCHS, PARTS = 6, 8
NOBODY = np.empty(0, np.int32), np.empty((0, 1), np.int32)


@contextmanager
def pairs_file(users: np.ndarray, items: np.ndarray) -> Iterator[Path]:
    """A Parquet file as the table `train` is."""
    order = np.lexsort((items, users))
    table = pa.table({"user": users[order], "item": items[order]})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "train.parquet")
        pq.write_table(table, file, row_group_size=500_000)
        yield file


def speed(file: Path, stream: bool) -> tuple[float, float]:
    """Examples a second, the median of the epochs after the first, and the peak memory in MB."""
    given: Any = examples.StreamedExamples(file, *NOBODY)
    if not stream:
        table = pq.read_table(file)
        users, items = (table[side].to_numpy() for side in ("user", "item"))
        given = examples.Examples(users, items, *NOBODY)
    settings = configuration(TrainingConfig, epochs=EPOCHS).settings()
    history = train(LARGE.model(), given, settings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts in kB
    return median(epoch.examples_per_second or 0.0 for epoch in history[2:]), peak


def quality(folder: Path, stream: bool) -> float:
    """NDCG@10 of the best epoch on validation items of MovieLens-1M."""
    part = validation(load(folder), 1)
    held_out = part.users, part.candidates
    given: Any = examples.Examples(part.train_users, part.train_items, *held_out)
    with pairs_file(part.train_users, part.train_items) as file:
        if stream:
            pairs = math.ceil(part.train_users.size / PARTS)
            given = examples.StreamedExamples(file, *held_out, part=pairs)
        model = neumf.build_neumf(N_USERS, N_ITEMS, 8, LAYERS, 1)
        reached = best_epoch(train(model, given, SCRATCH.settings())).validation_ndcg_at_10
    return reached or 0.0


def apart(work: Any, *arguments: Any) -> Any:
    """What a function gives in a process of its own, whose memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the NCF paper's MovieLens-1M files")
    folder = parser.parse_args().data
    figures: dict[str, float] = {}
    with pairs_file(*LARGE.pairs(LARGE.n_positives, "positives")) as file:
        for name, stream in (("memory", False), ("stream", True)):
            rate, peak = apart(speed, file, stream)
            figures |= {f"{name}_examples_per_second": round(rate), f"{name}_mb": round(peak)}
    if folder:
        for name, stream in (("memory", False), ("stream", True)):
            figures[f"{name}_validation_ndcg"] = round(apart(quality, folder, stream), 4)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
