"""Compare the complete lineage with the tutorial's steps, on one file of Movies_and_TV's size.

    python -m benchmarks.pipeline [--file FILE] [--share 0.01]

Without a file, one is generated in Amazon's format (`benchmarks.generate`). The lineage makes
everything from the raw file to report and recommendations, with the default configuration but 10
epochs of each of the paper's networks. The tutorial is `benchmarks.tutorial`, which extrapolates
its slow steps. The last line is a JSON object: `seconds` and `peak_mb` of the lineage, reading
against `gzip -dc FILE | wc -l`, `negatives_seconds`, and how many times longer the tutorial takes.
The lineage trains four networks twice, serves a third fit of NeuMF, and fits a factorization of 128
factors, where the tutorial trains one network of 8 once. `training_vs_tutorial` compares that
network, trained by `ncf_assets.ncf.training` and by Keras on as many examples;
`all_training_vs_tutorial` compares all training of the lineage.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import generate, reading
from benchmarks.defaults import configuration
from benchmarks.lineage import Done, data_folder, materialize
from benchmarks.training import train_all_epochs
from benchmarks.tutorial import EPOCHS, PER_POSITIVE, Part, Timed, network, of, tutorial, whole
from ncf_assets.assets.train import PaperConfig
from ncf_assets.ncf.training.training_data import InMemory

PAPERS = ("gmf_model", "mlp_model", "neumf_scratch_model")  # the networks that the paper has
ALL_EPOCHS = {"config": {"epochs": EPOCHS, "patience": EPOCHS}}
ONE_SEED = {"config": {"seeds": 1}}
TEN_EPOCHS = {"ops": {**dict.fromkeys(PAPERS, ALL_EPOCHS), "seed_ranks": ONE_SEED}}
# step of the tutorial -> the steps of the lineage that do the same
STEPS = {
    "read": ("reviews",),
    "rank and map": ("latest_reviews", "users", "items", "interactions"),
    "split": ("split_rule", "train", "validation", "test"),
    "negatives": ("negatives", "test_candidates"),
    "train": ("ials_model", *PAPERS, "neumf_model", "served_model"),
    "evaluate": ("scoring", "recommendations", "evaluation"),
}
BEFORE_TRAINING = ("read", "rank and map", "split", "negatives")
READ_REPEATS = 3


def compare(lineage: Done, times: Mapping[str, Timed]) -> dict[str, float]:
    """Return how many times longer the tutorial takes: by step, before training, and in all."""
    longer = {step: times[step].seconds / lineage.sum(names) for step, names in STEPS.items()}
    before = sum(times[step].seconds for step in BEFORE_TRAINING)
    own = sum(lineage.sum(STEPS[step]) for step in BEFORE_TRAINING)
    in_all = sum(step.seconds for step in times.values())
    return longer | {"before training": before / own, "in all": in_all / lineage.seconds}


def same_network(reviews: int, n_users: int, n_items: int) -> float:
    """Return the seconds that training the tutorial's network takes here, on random pairs too."""
    generator = np.random.default_rng(2017)
    users, items = (generator.integers(n, size=reviews, dtype=np.int32) for n in (n_users, n_items))
    config = configuration(PaperConfig, epochs=EPOCHS, negatives_per_positive=PER_POSITIVE)
    started = time.perf_counter()
    pairs = InMemory(users, items, n_users, n_items)
    train_all_epochs(network(n_users, n_items), pairs, n_items, config)
    return time.perf_counter() - started


def by_step(times: Mapping[str, Timed]) -> dict[str, Timed]:
    """Return the tutorial's times by the steps of `STEPS`."""
    both = Timed(times["rank"].seconds + times["map"].seconds, 1)
    rest = {name: time for name, time in times.items() if name not in ("rank", "map")}
    return rest | {"rank and map": both}


def show(lineage: Done, times: Mapping[str, Timed], longer: Mapping[str, float]) -> None:
    """Print every step of the lineage, then both sides."""
    print(f"\n{'step of the lineage':<20}{'seconds':>10}{'peak MB':>10}")
    for step in lineage.steps.values():
        print(f"{step.name:<20}{step.seconds:>10.1f}{step.peak_mb:>10,.0f}")
    print(f"{'all':<20}{lineage.seconds:>10.1f}{lineage.peak_mb:>10,.0f}\n")
    print(f"{'':<14}{'lineage':>10}{'tutorial':>14}{'times':>10}")
    for name, steps in STEPS.items():
        own, other = lineage.sum(steps), times[name]
        print(f"{name:<14}{own:>8.1f} s{other.seconds:>12,.1f} s{longer[name]:>10.1f}{of(other)}")
    print(f"{'before training':<38}{longer['before training']:>10.1f}")
    print(f"{'in all':<38}{longer['in all']:>10.1f}", flush=True)


def scaled(share: float) -> generate.Size:
    """Return the size of a share of Movies_and_TV's reviews, users and items."""
    full = generate.Size()
    sizes = {name: int(getattr(full, name) * share) for name in ("reviews", "users", "items")}
    return replace(full, **sizes)


def main() -> None:
    """Generate the file, run both sides, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="reviews in the format of 2014")
    parser.add_argument("--share", type=float, default=1.0, help="of Movies_and_TV, to generate")
    for name, default in vars(Part()).items():
        parser.add_argument(f"--{name}", type=int, default=default, help="of the tutorial's part")
    chosen = vars(parser.parse_args())
    file, share = chosen.pop("file"), chosen.pop("share")
    with tempfile.TemporaryDirectory() as name:
        if file is None:
            file = Path(name, "reviews.json.gz")
            generate.write(file, scaled(share), os.cpu_count() or 1)
        lineage = materialize(data_folder(Path(name, "data"), file), TEN_EPOCHS)
        reviews = whole(file)
        read = reading.measure(file, len(reviews), READ_REPEATS)
        times = by_step(tutorial(file, reviews, Part(**chosen)))
    longer = compare(lineage, times)
    in_train = len(reviews) - 2 * reviews["reviewerID"].nunique()
    seconds = same_network(in_train, reviews["reviewerID"].nunique(), reviews["asin"].nunique())
    show(lineage, times, longer)
    print(f"the tutorial's network, trained here: {seconds:.1f} s for {EPOCHS} epochs")
    figures = {
        "reviews": len(reviews),
        "seconds": round(lineage.seconds, 1),
        "peak_mb": round(lineage.peak_mb),
        "read_vs_gzip": read["read_vs_gzip"],
        "negatives_seconds": round(lineage.steps["negatives"].seconds, 1),
        "before_training_vs_tutorial": round(longer["before training"], 1),
        "training_vs_tutorial": round(times["train"].seconds / seconds, 1),
        "all_training_vs_tutorial": round(longer["train"], 1),
        "in_all_vs_tutorial": round(longer["in all"], 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
