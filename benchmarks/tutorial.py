"""The tutorial's steps, written plainly, each timed: what the lineage is compared with.

    python -m benchmarks.tutorial FILE [--read 200000] [--users 2000] [--steps 200]

Our own code after the steps of "Build a Recommender System using Keras and TensorFlow 2": read
with pandas, rank by `groupby`, number by dictionaries, leave one out by `merge`, negatives by
`np.setdiff1d` and `np.random.choice` for each user in 4 processes, Keras' `fit` at batch 256,
`predict` for the 100 candidates of each user. What is slow is done for a part of the data, stated
in the output, and its time multiplied by how many times larger the whole is: the file's first
lines (reading keeps all of a file's text in memory at once), users for the negatives and the
evaluation, steps of `fit`.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import reader

COLUMNS = ["reviewerID", "asin", "overall", "unixReviewTime"]
PROCESSES = 4
CANDIDATES, PER_POSITIVE = 99, 4  # negatives of a test item and of a training pair
FACTORS, LAYERS, BATCH, EPOCHS = 8, [64, 32, 16, 8], 256, 10
WARM_STEPS = 4  # of `fit`, which trace the graph and are not timed


@dataclass(frozen=True)
class Part:
    """How much of the slow steps is done."""

    read: int = 200_000  # reviews
    users: int = 2_000
    steps: int = 200


@dataclass(frozen=True)
class Timed:
    """A step's seconds for the whole data; `part` is the share that was done, 1 for all of it."""

    seconds: float
    part: float


def timed(work: Callable[[], Any], part: float = 1.0) -> tuple[Any, Timed]:
    """What the work gives, and its time multiplied up to the whole."""
    started = time.perf_counter()
    result = work()
    return result, Timed((time.perf_counter() - started) / part, part)


def tutorial(file: Path, reviews: pd.DataFrame, part: Part) -> Mapping[str, Timed]:
    """Do every step; `reviews` has COLUMNS, and are what reading the whole file would give."""
    times = {}
    rows = min(part.read, len(reviews))
    _, times["read"] = timed(partial(read, file, rows), rows / len(reviews))
    ranked, times["rank"] = timed(partial(rank, reviews))
    mapped, times["map"] = timed(partial(number, ranked))
    (train, test), times["split"] = timed(partial(split, mapped))
    n_users, n_items = int(mapped["user"].max()) + 1, int(mapped["item"].max()) + 1
    some = test["user"].to_numpy()[: part.users]
    share = len(some) / n_users
    drawn, times["negatives"] = timed(partial(negatives, train, test, n_items, some), share)
    model = network(n_users, n_items)
    steps = EPOCHS * len(train) * (1 + PER_POSITIVE) / BATCH
    times["train"] = fit(model, n_users, n_items, part.steps, part.steps / steps)
    _, times["evaluate"] = timed(partial(evaluate, model, test[: len(some)], drawn), share)
    return times


def read(file: Path, n: int) -> pd.DataFrame:
    """Reviews with COLUMNS from the file's first n lines."""
    return pd.read_json(file, lines=True, nrows=n)[COLUMNS]


def rank(reviews: pd.DataFrame) -> pd.DataFrame:
    """The dense rank of each user's reviews by time, the latest first."""
    by_user = reviews.groupby("reviewerID")["unixReviewTime"]
    return reviews.assign(rank=by_user.rank(method="dense", ascending=False))


def number(reviews: pd.DataFrame) -> pd.DataFrame:
    """Integers in place of ids, through dictionaries."""
    user_ids = {user: i for i, user in enumerate(reviews["reviewerID"].unique())}
    item_ids = {item: i for i, item in enumerate(reviews["asin"].unique())}
    return reviews.assign(
        user=reviews["reviewerID"].map(user_ids), item=reviews["asin"].map(item_ids)
    )


def split(reviews: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test: the last review of each user, the first line of those of one time."""
    test = reviews[reviews["rank"] == 1].drop_duplicates("user")[["user", "item"]]
    both = reviews[["user", "item"]].merge(test, on=["user", "item"], how="left", indicator=True)
    return both[both["_merge"] == "left_only"][["user", "item"]], test


def negatives(train: pd.DataFrame, test: pd.DataFrame, n_items: int, users: np.ndarray) -> Any:
    """Items [99] for the test and [4 · n] for the training of each of the users, by user."""
    rated = pd.concat([train, test]).groupby("user")["item"].apply(np.array)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        return pool.map(partial(draw, np.arange(n_items)), [rated[user] for user in users])


def draw(items: np.ndarray, rated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Negatives of one user."""
    unseen = np.setdiff1d(items, rated)
    test = np.random.choice(unseen, CANDIDATES, replace=False)  # noqa: NPY002  # as written there
    return test, np.random.choice(unseen, PER_POSITIVE * (len(rated) - 1))  # noqa: NPY002


def network(n_users: int, n_items: int) -> Any:
    """NeuMF as Keras layers, compiled."""
    import keras  # after the processes of `negatives` have been forked

    from ncf_assets.ncf import neumf

    model = neumf.build_neumf(n_users, n_items, FACTORS, LAYERS, 2017)
    model.compile(keras.optimizers.Adam(0.001), "binary_crossentropy")
    return model


def fit(model: Any, n_users: int, n_items: int, steps: int, part: float) -> Timed:
    """Train on so many batches of random pairs, whose number alone matters for the time."""
    generator = np.random.default_rng(2017)

    def train(steps: int) -> None:
        sides = {"user": n_users, "item": n_items}
        pairs = {side: generator.integers(n, size=steps * BATCH) for side, n in sides.items()}
        labels = (np.arange(steps * BATCH) % (1 + PER_POSITIVE) == 0).astype(np.float32)
        model.fit(pairs, labels, BATCH, epochs=1, verbose=0)

    train(WARM_STEPS)
    return timed(partial(train, steps), part)[1]


def evaluate(model: Any, test: pd.DataFrame, drawn: Any) -> tuple[float, float]:
    """HR@10 and NDCG@10 of users among 100 candidates, with a `predict` for each as there."""
    places = []
    for (user, item), (others, _) in zip(test.to_numpy(), drawn, strict=True):
        items = np.append(others, item)
        pairs = {"user": np.full(len(items), user), "item": items}
        scores = model.predict(pairs, verbose=0)[:, 0]
        places.append(int((scores[:-1] >= scores[-1]).sum()))
    hits = np.array([place for place in places if place < 10])
    return len(hits) / len(places), float((1 / np.log2(hits + 2)).sum() / len(places))


def main() -> None:
    """Do the steps on a file and print their times, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    for name, default in vars(Part()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = vars(parser.parse_args())
    file = chosen.pop("file")
    times = tutorial(file, whole(file), Part(**chosen))
    for name, step in times.items():
        print(f"{name:<10}{step.seconds:>12,.1f} s{of(step)}")
    print(json.dumps({name: round(step.seconds, 1) for name, step in times.items()}))


def of(step: Timed) -> str:
    """How a time came about."""
    return "" if step.part == 1 else f"  (extrapolated from {step.part:.2%} of the data)"


def whole(file: Path) -> pd.DataFrame:
    """All reviews with COLUMNS, by the project's reader; reading by pandas is timed apart."""
    parts = reader.read(file, Dataset("X", "X", "amazon-2014"), date.today())
    table = pa.Table.from_batches([part.accepted for part in parts])
    return table.drop_columns("line").rename_columns(COLUMNS).to_pandas()


if __name__ == "__main__":
    main()
