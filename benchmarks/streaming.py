"""Measure the cost of reading training pairs part by part (`stream: true`), against memory.

    python -m benchmarks.streaming [--data FOLDER]

NeuMF of 8 factors is trained at Movies_and_TV's size in each way, in a process of its own, to
measure speed and peak memory. With the folder of the NCF paper's MovieLens-1M files, the benchmark
also trains by the recipe of `benchmarks.ml1m` from random weights, in memory and in eight parts,
and prints NDCG@10 on validation items. The last line is a JSON object.
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
from benchmarks.ml1m import held_out
from benchmarks.ml1m_recipes import SCRATCH
from benchmarks.movielens import N_ITEMS, N_USERS, load, validation
from benchmarks.training import LARGE, LAYERS, train_all_epochs
from ncf_assets.assets.train import PaperConfig
from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.training import training_data
from ncf_assets.ncf.training.epoch import Pointwise
from ncf_assets.ncf.training.epochs import best_epoch
from ncf_assets.ncf.training.loop import train

EPOCHS, PARTS = 6, 8


@contextmanager
def pairs_file(users: np.ndarray, items: np.ndarray) -> Iterator[Path]:
    """Write the pairs to a Parquet file like that of the table `train`, and give its path."""
    order = np.lexsort((items, users))
    table = pa.table({"user": users[order], "item": items[order]})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "train.parquet")
        pq.write_table(table, file, row_group_size=500_000)
        yield file


def speed(file: Path, stream: bool) -> tuple[float, float]:
    """Return the median examples a second after the first epoch, and the peak memory in MB."""
    pairs = training_data.read_pairs([file], LARGE.n_users, LARGE.n_items, stream)
    config = configuration(PaperConfig, epochs=EPOCHS)
    history = train_all_epochs(LARGE.model(), pairs, LARGE.n_items, config)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts in kB
    return median(epoch.examples_per_second or 0.0 for epoch in history[2:]), peak


def quality(folder: Path, stream: bool) -> float:
    """Return NDCG@10 of the best epoch on validation items of MovieLens-1M."""
    part = validation(load(folder), 1)
    pairs: Any = training_data.InMemory(part.train_users, part.train_items, N_USERS, N_ITEMS)
    with pairs_file(part.train_users, part.train_items) as file:
        if stream:
            size = math.ceil(part.train_users.size / PARTS)
            pairs = training_data.Streamed([file], N_USERS, N_ITEMS, size)
        model = neumf.build_neumf(N_USERS, N_ITEMS, 8, LAYERS, 1)
        objective = Pointwise(pairs, N_ITEMS, SCRATCH.settings())
        history = train(model, objective, held_out(part), SCRATCH.epochs, SCRATCH.patience)
    return best_epoch(history).validation_ndcg_at_10 or 0.0


def apart(work: Any, *arguments: Any) -> Any:
    """Return the result of a function, run in a process of its own so that memory is too."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def main() -> None:
    """Measure both ways, and print the figures."""
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
