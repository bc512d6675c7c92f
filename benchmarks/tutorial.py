"""Time the tutorial's steps, written plainly, so that `benchmarks.pipeline` can compare them.

    python -m benchmarks.tutorial FILE [--read 200000] [--users 2000] [--steps 200]

The code was written for this project after the steps of "Build a Recommender System using Keras
and TensorFlow 2": read with pandas, rank by `groupby`, number by dictionaries, leave one out by
`merge`, draw negatives by `np.setdiff1d` and `np.random.choice` for each user in 4 processes, train
by Keras' `fit` at batch 256, and `predict` the 100 candidates of each user. A slow step is done on
a part of the data, stated in the output, and its time is multiplied up to all of the data. The
part is the file's first lines (reading keeps all of a file's text in memory at once), some users
for the negatives and the evaluation, and some steps of `fit`.
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
    """The part of the data that the slow steps are done on."""

    read: int = 200_000  # reviews
    users: int = 2_000
    steps: int = 200


@dataclass(frozen=True)
class Timed:
    """A step's seconds for all of the data; `part` is the share that was done."""

    seconds: float
    part: float


def timed(work: Callable[[], Any], part: float = 1.0) -> tuple[Any, Timed]:
    """Return the result of the work, and its time multiplied up to all of the data."""
    started = time.perf_counter()
    result = work()
    return result, Timed((time.perf_counter() - started) / part, part)


def tutorial(file: Path, reviews: pd.DataFrame, part: Part) -> Mapping[str, Timed]:
    """Do every step, and return its time; `reviews` are all reviews of the file, with COLUMNS."""
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
    """Read the reviews with COLUMNS from the file's first n lines."""
    return pd.read_json(file, lines=True, nrows=n)[COLUMNS]


def rank(reviews: pd.DataFrame) -> pd.DataFrame:
    """Add the dense rank of each user's reviews by time, the latest first."""
    by_user = reviews.groupby("reviewerID")["unixReviewTime"]
    return reviews.assign(rank=by_user.rank(method="dense", ascending=False))


def number(reviews: pd.DataFrame) -> pd.DataFrame:
    """Replace ids by integers, through dictionaries."""
    user_ids = {user: i for i, user in enumerate(reviews["reviewerID"].unique())}
    item_ids = {item: i for i, item in enumerate(reviews["asin"].unique())}
    return reviews.assign(
        user=reviews["reviewerID"].map(user_ids), item=reviews["asin"].map(item_ids)
    )


def split(reviews: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return train and test; test is each user's last review, the first line if several tie."""
    test = reviews[reviews["rank"] == 1].drop_duplicates("user")[["user", "item"]]
    both = reviews[["user", "item"]].merge(test, on=["user", "item"], how="left", indicator=True)
    return both[both["_merge"] == "left_only"][["user", "item"]], test


def negatives(train: pd.DataFrame, test: pd.DataFrame, n_items: int, users: np.ndarray) -> Any:
    """Draw for each of the users items [99] for the test and items [4 · n] for the training."""
    rated = pd.concat([train, test]).groupby("user")["item"].apply(np.array)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        return pool.map(partial(draw, np.arange(n_items)), [rated[user] for user in users])


def draw(items: np.ndarray, rated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw the negatives of one user."""
    unseen = np.setdiff1d(items, rated)
    test = np.random.choice(unseen, CANDIDATES, replace=False)  # noqa: NPY002  # as the tutorial has it
    return test, np.random.choice(unseen, PER_POSITIVE * (len(rated) - 1))  # noqa: NPY002


def network(n_users: int, n_items: int) -> Any:
    """Build NeuMF of Keras layers, and compile it."""
    import keras  # after the processes of `negatives` have been forked

    from ncf_assets.ncf.models import neumf

    model = neumf.build_neumf(n_users, n_items, FACTORS, LAYERS, 2017)
    model.compile(keras.optimizers.Adam(0.001), "binary_crossentropy")
    return model


def fit(model: Any, n_users: int, n_items: int, steps: int, part: float) -> Timed:
    """Train on so many batches of random pairs; the time depends on their number alone."""
    generator = np.random.default_rng(2017)

    def train(steps: int) -> None:
        sides = {"user": n_users, "item": n_items}
        pairs = {side: generator.integers(n, size=steps * BATCH) for side, n in sides.items()}
        labels = (np.arange(steps * BATCH) % (1 + PER_POSITIVE) == 0).astype(np.float32)
        model.fit(pairs, labels, BATCH, epochs=1, verbose=0)

    train(WARM_STEPS)
    return timed(partial(train, steps), part)[1]


def evaluate(model: Any, test: pd.DataFrame, drawn: Any) -> tuple[float, float]:
    """Return HR@10 and NDCG@10 among 100 candidates, with one `predict` for each user."""
    better = []  # candidates that score as high as the test item, of each user
    for (user, item), (others, _) in zip(test.to_numpy(), drawn, strict=True):
        items = np.append(others, item)
        pairs = {"user": np.full(len(items), user), "item": items}
        scores = model.predict(pairs, verbose=0)[:, 0]
        better.append(int((scores[:-1] >= scores[-1]).sum()))
    hits = np.array([count for count in better if count < 10])
    return len(hits) / len(better), float((1 / np.log2(hits + 2)).sum() / len(better))


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
    """Return a remark on how a time was measured."""
    return "" if step.part == 1 else f"  (extrapolated from {step.part:.2%} of the data)"


def whole(file: Path) -> pd.DataFrame:
    """Read all reviews with COLUMNS by the project's reader; `read` times reading by pandas."""
    parts = reader.read(file, Dataset("X", "X", "amazon-2014"), date.today())
    table = pa.Table.from_batches([part.accepted for part in parts])
    return table.drop_columns("line").rename_columns(COLUMNS).to_pandas()


if __name__ == "__main__":
    main()
