"""Compare the exact ranking with `model.predict`, and measure it at Movies_and_TV's size.

`python -m benchmarks.ranking` ranks a held-out item of every user among 99 sampled ones and among
all unseen ones, and keeps the 20 best unseen items. The comparison is at MovieLens-1M's size. No
file is read; weights are random, of the size that training gives them. `--scale 0.01` takes a
hundredth of the users, for a quick try.
"""

import argparse
import json
import resource
import time
from dataclasses import dataclass

import keras
import numpy as np

from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer
from ncf_assets.ncf.evaluation.ranking import HeldOutRanks, score_all
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.random_streams import rng
from ncf_assets.ncf.recommend.top_k import TopUnseen

FACTORS, LAYERS = 128, [64, 32, 16, 8]  # the default network
MOVIELENS = 6_040, 3_706  # users and items of MovieLens-1M
MOVIES_AND_TV = 123_960, 50_052
SEEN, CANDIDATES, K = 12, 99, 20  # items of each user
BATCHES = [2**n for n in range(11, 18)]  # of `model.predict`; the comparison is with the fastest
ROUNDING = 1e-5  # logits of ordinary size, summed in another order, differ by less


@dataclass(frozen=True)
class World:
    """A network and the items that its users have seen; a user's first item is held out."""

    model: keras.Model
    users: np.ndarray  # int32 [n]
    candidates: np.ndarray  # int32 [n, 1 + CANDIDATES]
    seen: InteractionSet


@dataclass(frozen=True)
class Result:
    """The results of one exact pass, and its wall time."""

    ranks: HeldOutRanks
    top: TopUnseen
    seconds: float


def world(n_users: int, n_items: int) -> World:
    """Make a network of the default size with random weights, and random items of its users."""
    generator = rng(2017, f"benchmark {n_users} {n_items}")
    model = neumf.build_neumf(n_users, n_items, FACTORS, LAYERS, 2017)
    for layer in model.layers:
        weights = layer.get_weights()
        layer.set_weights([generator.normal(0, 0.3, w.shape).astype(w.dtype) for w in weights])
    users = np.arange(n_users, dtype=np.int32)
    items = generator.integers(n_items, size=(n_users, SEEN), dtype=np.int32)
    others = generator.integers(n_items, size=(n_users, CANDIDATES), dtype=np.int32)
    seen = InteractionSet(np.repeat(users, SEEN), items.ravel(), n_items)
    return World(model, users, np.column_stack([items[:, 0], others]), seen)


def exact_pass(given: World) -> Result:
    """Rank and recommend for all users, from the model to the results."""
    started = time.perf_counter()
    ranks = HeldOutRanks(given.users, given.candidates, given.seen)
    top = TopUnseen(given.users, given.seen, K)
    scorer = block_scorer(given.model)
    score_all("neumf", scorer, given.users, given.seen.n_items, [ranks, top])
    return Result(ranks, top, time.perf_counter() - started)


def predicted(
    given: World, logits: keras.Model, users: np.ndarray, batch: int
) -> tuple[np.ndarray, float]:
    """Return logits [len(users), n_items] by Keras' `predict` of all pairs, and its wall time."""
    n_items = given.seen.n_items
    pairs = {
        "user": np.repeat(users, n_items),
        "item": np.tile(np.arange(n_items, dtype=np.int32), users.size),
    }
    logits.predict({name: ids[:batch] for name, ids in pairs.items()}, batch, verbose=0)  # traces
    started = time.perf_counter()
    scores = logits.predict(pairs, batch, verbose=0).reshape(users.size, n_items)
    return scores, time.perf_counter() - started


def fastest_batch(given: World, logits: keras.Model) -> int:
    """Return the batch size at which `predict` is fastest, on a twentieth of the users."""
    users = given.users[: max(1, given.users.size // 20)]
    return min(BATCHES, key=lambda batch: predicted(given, logits, users, batch)[1])


def check_same_ranks(given: World, exact: Result, scores: np.ndarray) -> int:
    """Return how many users' full ranks differ. AssertionError if rounding is not the cause."""
    rows, items = given.seen.of(given.users)
    held_out = scores[given.users, given.candidates[:, 0], None].copy()
    scores[rows, items] = -np.inf

    def better(margin: float) -> np.ndarray:
        return np.count_nonzero(scores > held_out + margin, axis=1)

    n_better = exact.ranks.full.n_better
    assert (better(ROUNDING) <= n_better).all()  # noqa: S101
    assert (n_better <= better(-ROUNDING)).all()  # noqa: S101
    return int((better(0) != n_better).sum())


def beside_predict(scale: float) -> float:
    """Return how many times faster the exact pass is than `model.predict` of all pairs."""
    given = world(int(MOVIELENS[0] * scale), MOVIELENS[1])
    logits = neumf.logits(given.model)  # as probabilities, far different logits round to the same
    batch = fastest_batch(given, logits)
    scores, seconds = predicted(given, logits, given.users, batch)
    exact = sorted((exact_pass(given) for _ in range(3)), key=lambda result: result.seconds)[1]
    differing = check_same_ranks(given, exact, scores)
    print(
        f"{given.users.size:,} users by {MOVIELENS[1]:,} items: model.predict (batches of"
        f" {batch:,}, the fastest) {seconds:.1f} s, exact pass {exact.seconds:.2f} s; ranks of"
        f" {differing} users differ by float32 rounding, all others are the same"
    )
    return seconds / exact.seconds


def large(scale: float) -> tuple[float, float]:
    """Return seconds of the exact pass at Movies_and_TV's size, and the peak memory in MB."""
    given = world(int(MOVIES_AND_TV[0] * scale), MOVIES_AND_TV[1])
    seconds = exact_pass(given).seconds
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in kB
    pairs = given.users.size * MOVIES_AND_TV[1]
    print(
        f"{given.users.size:,} users by {MOVIES_AND_TV[1]:,} items: {seconds:.1f} s,"
        f" {pairs / seconds / 1e6:.1f} million pairs/s, peak memory {peak_mb:,.0f} MB"
    )
    return seconds, peak_mb


def main() -> None:
    """Run both parts, and print the figures, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the users")
    scale = parser.parse_args().scale
    seconds, peak_mb = large(scale)  # first, as the peak covers all earlier work of the process
    figures = {
        "vs_predict": round(beside_predict(scale), 2),
        "large_seconds": round(seconds, 1),
        "large_peak_mb": round(peak_mb),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
