"""Compare training speed with stock Keras `fit`, at MovieLens-1M's and Movies_and_TV's sizes.

`python -m benchmarks.training` trains NeuMF of 8 factors with the tower 64-32-16-8 on random pairs:
(a) Keras `fit` at the paper's batch of 256, (b) Keras `fit` at its fastest batch, both with
negatives that are drawn beforehand in time that does not count, and (c) this project's training
with the assets' defaults and all that an epoch takes but validation. Rates are medians, without
compilation.
"""

import argparse
import itertools
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import keras
import numpy as np
import tensorflow as tf

from benchmarks.defaults import configuration
from ncf_assets.assets.train import PaperConfig
from ncf_assets.ncf.evaluation.validation import nothing_held_out
from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.random_streams import rng
from ncf_assets.ncf.training.epoch import Pointwise
from ncf_assets.ncf.training.epochs import Epoch
from ncf_assets.ncf.training.loop import train
from ncf_assets.ncf.training.training_data import InMemory, Positives

FACTORS, LAYERS = 8, [64, 32, 16, 8]
PAPER_BATCH = 256  # He et al. 2017, section 4.1
BATCHES = [2**n for n in range(12, 18)]
REPEATS = 3
SECONDS = 8  # that one repeat of Keras should take, approximately


@dataclass(frozen=True)
class Shape:
    """The sizes of a data set."""

    name: str
    n_users: int
    n_items: int
    n_positives: int

    def pairs(self, n: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
        """Draw random users and items int32 [n]."""
        generator = rng(2017, f"{purpose} {self.name}")
        sides = (self.n_users, self.n_items)
        users, items = (generator.integers(size, size=n, dtype=np.int32) for size in sides)
        return users, items

    def model(self) -> keras.Model:
        """Build a new network."""
        return neumf.build_neumf(self.n_users, self.n_items, FACTORS, LAYERS, 2017)


SMALL = Shape("MovieLens-1M", 6_040, 3_706, 994_169)
LARGE = Shape("Movies_and_TV", 123_960, 50_052, 1_450_000)


def ours(shape: Shape) -> float:
    """Return the median examples a second of the default training after its first epoch."""
    users, items = shape.pairs(shape.n_positives, "positives")
    pairs = InMemory(users, items, shape.n_users, shape.n_items)
    config = configuration(PaperConfig, epochs=1 + 2 * REPEATS)
    history = train_all_epochs(shape.model(), pairs, shape.n_items, config)
    return median(epoch.examples_per_second or 0.0 for epoch in history[2:])


def train_all_epochs(
    model: keras.Model, pairs: Positives, n_items: int, config: PaperConfig
) -> list[Epoch]:
    """Train a network as in the paper, without validation."""
    objective = Pointwise(pairs, n_items, config.settings())
    return train(model, objective, nothing_held_out(n_items), config.epochs, config.patience)


def stock(shape: Shape, batch: int) -> Callable[[int], float]:
    """Return a function from a number of steps to the examples/s of Keras `fit` at a batch size."""
    model = shape.model()
    model.compile(keras.optimizers.Adam(0.001), "binary_crossentropy")

    def fit(steps: int) -> float:
        n = steps * batch
        users, items = shape.pairs(n, "examples")
        labels = (np.arange(n) % 5 == 0).astype(np.float32)
        started = time.perf_counter()
        model.fit({"user": users, "item": items}, labels, batch, epochs=1, verbose=0)
        return n / (time.perf_counter() - started)

    fit(4)  # traces
    return fit


def steps_for(fit: Callable[[int], float], batch: int) -> int:
    """Return how many steps take about SECONDS."""
    return max(4, int(fit(16) * SECONDS / batch))


def keras_rate(shape: Shape, batch: int) -> float:
    """Return the median of Keras' examples a second at a batch size."""
    fit = stock(shape, batch)
    steps = steps_for(fit, batch)
    return median(fit(steps) for _ in range(REPEATS))


def fastest_batch(shape: Shape) -> int:
    """Return the batch size at which Keras is fastest, with one trial of each."""
    rates = {batch: (fit := stock(shape, batch))(steps_for(fit, batch) // 4) for batch in BATCHES}
    return max(rates, key=lambda batch: rates[batch])


def useful_flops() -> int:
    """Return the FLOP of one example: forward, and twice as much backward.

    A multiply-add counts as two.
    """
    tower = sum(a * b for a, b in itertools.pairwise(LAYERS))
    return 3 * 2 * (tower + FACTORS + FACTORS + LAYERS[-1])  # product and output of GMF, output


def matmul_peak(n: int = 4096) -> float:
    """Return FLOP/s of TensorFlow's product of two float32 matrices, the best of several."""
    a = tf.random.normal([n, n])
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        seconds.append(time.perf_counter() - started)
    return float(2 * n**3 / min(seconds))


def compare(shape: Shape, first: float) -> tuple[float, float, float]:
    """Return this project's rate, and its ratios to Keras' at a batch of 256 and at the fastest.

    `first` is a rate of this project that was measured before.
    """
    batch = fastest_batch(shape)
    paper, best = keras_rate(shape, PAPER_BATCH), keras_rate(shape, batch)
    own = median([first, ours(shape), ours(shape)])
    print(
        f"{shape.name} ({shape.n_users:,} users, {shape.n_items:,} items,"
        f" {shape.n_positives:,} positives), examples/s: Keras at {PAPER_BATCH} {paper:,.0f},"
        f" Keras at {batch:,} {best:,.0f}, this project {own:,.0f}:"
        f" {own / paper:.0f} and {own / best:.1f} times as many",
        flush=True,
    )
    return own, own / paper, own / best


def main() -> None:
    """Measure both shapes and print the figures, the last line as JSON."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    first = ours(LARGE)  # before all else, as the peak covers all earlier work of the process
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in kB
    print(f"peak memory of this project at {LARGE.name}: {peak_mb:,.0f} MB", flush=True)
    _, large_256, large_best = compare(LARGE, first)
    rate, small_256, small_best = compare(SMALL, ours(SMALL))
    peak = matmul_peak()
    share = rate * useful_flops() / peak
    print(
        f"{useful_flops():,} FLOP an example: {rate * useful_flops() / 1e9:.0f} GFLOP/s at"
        f" {SMALL.name}, {share:.0%} of the {peak / 1e9:.0f} GFLOP/s of a large product"
    )
    figures = {
        "small_vs_keras_256": round(small_256, 1),
        "small_vs_keras_best": round(small_best, 2),
        "large_vs_keras_256": round(large_256, 1),
        "large_vs_keras_best": round(large_best, 2),
        "large_peak_mb": round(peak_mb),
        "share_of_peak": round(share, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
