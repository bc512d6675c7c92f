"""Compare steps at Movies_and_TV's size with those of commit 5be0b88, in turns on one machine.

`git worktree add FOLDER 5be0b88; python -m benchmarks.steps FOLDER` runs each step three times by
the code of either commit, each time in a process of its own, and prints medians and how much of the
old seconds the new ones are. Interactions and ranks are drawn. `--scale 0.01` takes a hundredth of
users and items, for a quick try.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import first_steps
from ncf_assets.ncf.evaluation import summary
from ncf_assets.ncf.evaluation.evaluation_negatives import unseen_items
from ncf_assets.ncf.evaluation.segments import segments
from ncf_assets.ncf.evaluation.user_metrics import (
    Ranks,
    UserMetrics,
    corrected_user_metrics,
    user_metrics,
)
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ials, neighborhoods
from ncf_assets.ncf.random_streams import rng

N_USERS, N_ITEMS, MEAN_ITEMS = 123_960, 50_052, 13.7
REPEATS = 3
Given = dict[str, np.ndarray]


def draw(scale: float) -> Given:
    """Draw histories of uneven length, of items of uneven popularity, and ranks by eight models."""
    generator = rng(2017, "benchmark of steps")
    n_users, n_items = int(N_USERS * scale), int(N_ITEMS * scale)
    lengths = np.maximum(generator.lognormal(2.2, 0.8, n_users).astype(int), 4)
    lengths = np.minimum(lengths, n_items // 4)
    users = np.repeat(np.arange(n_users, dtype=np.int32), lengths)
    items = (n_items * generator.random(users.size) ** 2.5).astype(np.int32)
    pairs = np.sort(np.unique(users.astype(np.int64) * n_items + items))
    users, items = (part.astype(np.int32) for part in np.divmod(pairs, n_items))
    history = np.bincount(users, minlength=n_users)
    given = {
        "users": users,
        "items": items,
        "n_users": np.array(n_users),
        "n_items": np.array(n_items),
        "history": history,
        "popularity": np.bincount(items)[items][np.cumsum(history) - 1],  # of users' last items
        "user_keys": generator.integers(2**63, size=n_users).astype(np.uint64),
    }
    for name, length in (("full", n_items - history), ("sampled", np.full(n_users, 100))):
        better = (length[:, None] * generator.random((n_users, 8)) ** 3).astype(np.int32)
        given |= {f"{name}_n_candidates": length.astype(np.int32), f"{name}_n_better": better}
        given[f"{name}_n_tied"] = np.zeros_like(better)
    return given


def negatives(given: Given) -> Callable[[], object]:
    """Draw the lists of both splits."""
    everyone = np.arange(int(given["n_users"]), dtype=np.int32)
    pairs = given["users"], given["items"], int(given["n_items"])

    def both() -> None:
        for seed in (1, 2):
            unseen_items(given["user_keys"], everyone, InteractionSet(*pairs), 99, seed)

    return both


def interactions(given: Given) -> Interactions:
    """Return the drawn histories."""
    sizes = int(given["n_users"]), int(given["n_items"])
    return Interactions.of(given["users"], given["items"], *sizes)


def fit_ials(given: Given) -> Callable[[], object]:
    """Fit some iterations of one setting."""
    settings = ials.IalsSettings(128, 2, 1.0, 0.01, 0, 2017)
    return lambda: ials.fit(interactions(given), settings)


def fit_itemknn(given: Given) -> Callable[[], object]:
    """Fit the four settings that were tried by default."""
    tried = [
        neighborhoods.ItemKnnSettings(k, 0, shrinkage) for k in (100, 400) for shrinkage in (0, 10)
    ]
    return lambda: [neighborhoods.fit(interactions(given), settings) for settings in tried]


def metrics(given: Given) -> Callable[[], object]:
    """Compute all metrics and comparisons from the ranks by eight models."""
    ks, models = [1, 5, 10, 20], [(f"model {i}", 0) for i in range(8)]
    full, sampled = (
        Ranks(*(given[f"{name}_{of}"] for of in ("n_candidates", "n_better", "n_tied")))
        for name in ("full", "sampled")
    )

    def blocks() -> Iterator[dict[str, UserMetrics]]:
        for one, other in zip(full.blocks(), sampled.blocks(), strict=True):
            corrected = corrected_user_metrics(other, one.n_candidates, ks)
            found = user_metrics(one, ks), user_metrics(other, ks), corrected
            yield dict(zip(("full", "sampled", "corrected"), found, strict=True))

    members = segments(given["history"], given["popularity"])
    return lambda: summary.summarize(models, blocks(), members, "model 0", 0.05, 2017)


STEPS = {"negatives": negatives, "ials": fit_ials, "itemknn": fit_itemknn, "metrics": metrics}


def run_child(words: list[str], folder: Path) -> tuple[float, float]:
    """Run Python in a checkout; return the last line that it prints, two numbers."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(  # noqa: S603
        [sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True
    )
    clock, processor = json.loads(done.stdout.splitlines()[-1])
    return clock, processor


def time_step(step: str, file: str) -> None:
    """Run a step once, and print its seconds: of the clock, and of all processors."""
    run = STEPS[step](dict(np.load(file)))
    clock, processor = time.perf_counter(), time.process_time()
    run()
    print(json.dumps([time.perf_counter() - clock, time.process_time() - processor]))


def main() -> None:
    """Run the steps in turns and print the figures, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="a checkout of commit 5be0b88")
    parser.add_argument("--scale", type=float, default=1.0, help="share of users and items")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=[*STEPS])
    parser.add_argument("--one", help=argparse.SUPPRESS)  # what the processes of one step get
    chosen = parser.parse_args()
    if chosen.one:
        return time_step(chosen.one, chosen.old)
    figures = {}
    root, first = Path(__file__).parents[1], str(Path(first_steps.__file__).resolve())
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "given.npz"))
        np.savez(file, **draw(chosen.scale))  # type: ignore[arg-type]
        for step in chosen.steps:
            old, new = [], []
            for _ in range(REPEATS):
                old.append(run_child([first, step, file], chosen.old.resolve()))
                new.append(run_child(["-m", "benchmarks.steps", file, "--one", step], root))
            for i, kind in enumerate(("clock", "processor")):
                before, after = (median(seconds[i] for seconds in of) for of in (old, new))
                figures[f"{step}_{kind}"] = round(after / before, 3)
                print(f"{step}, {kind}: {before:.2f} s, now {after:.2f} s", flush=True)
    print(json.dumps(figures))
    return None


if __name__ == "__main__":
    main()
