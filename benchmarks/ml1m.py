"""Measure quality on the NCF paper's MovieLens-1M split: NeuMF of 8 factors, and the best model.

`python -m benchmarks.ml1m --data FOLDER` trains with three seeds. It prints HR@10 and NDCG@10 on
the paper's test negatives next to the published values and, as its last line, the means as JSON.
The number of epochs is chosen on a validation item of each user, drawn from the training half. A
model is then trained on all of the training half for that number of epochs, and evaluated once on
the test items. The settings are in `benchmarks.ml1m_recipes`; docs/training.md says how they were
chosen on validation items.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.ml1m_recipes import Fitting, baselines, best, scratch8
from benchmarks.movielens import N_ITEMS, N_USERS, Split, load, validation
from ncf_assets.ncf.evaluation import rank_gains, ranking
from ncf_assets.ncf.evaluation.validation import Validation, nothing_held_out
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import neumf

SEEDS = (1, 2, 3)
K = 10
PUBLISHED = (
    ("Dacrema et al. 2021, popularity", 0.453, 0.254),
    ("Dacrema et al. 2021, ItemKNN", 0.669, 0.398),
    ("Dacrema et al. 2021, EASE", 0.719, 0.449),
    ("Rendle et al. 2022, iALS of 64 factors", 0.722, 0.445),
    ("He et al. 2017, NeuMF of 8 factors from scratch", 0.688, 0.410),
    ("He et al. 2017, NeuMF of 64 factors, pre-trained", 0.730, 0.447),
    ("Rendle et al. 2020, matrix factorization by SGD", 0.729, 0.452),
)


@dataclass(frozen=True)
class Result:
    """One model of one seed on the test lists; the seconds include reading the files."""

    model: str
    hr: float
    ndcg: float
    seconds: float


def known(split: Split) -> Interactions:
    """Return a split's pairs to train on, in the files' order."""
    return Interactions.of(split.train_users, split.train_items, N_USERS, N_ITEMS)


def held_out(split: Split) -> Validation:
    """Return a split's held-out items, to choose by as the paper does: among their negatives.

    So all items but a user's negatives count as seen.
    """
    seen = np.ones((N_USERS, N_ITEMS), bool)
    seen[split.users[:, None], split.candidates[:, 1:]] = False
    users, items = np.nonzero(seen)
    return Validation(split.users, split.candidates[:, 0], InteractionSet(users, items, N_ITEMS))


def evaluate(model: Any, split: Split) -> tuple[float, float]:
    """Return HR@10 and NDCG@10 on the held-out items of a split."""
    if isinstance(model, keras.Model):
        users = np.repeat(split.users, split.candidates.shape[1])
        scores = neumf.scorer(model)(users, split.candidates.ravel())
        scores = scores.reshape(split.candidates.shape)
    else:
        scores = np.take_along_axis(model.scores(split.users), split.candidates, axis=1)
    ranks = ranking.count_better_and_tied(scores)
    hits, gains = rank_gains.expected_hits(*ranks, K), rank_gains.expected_dcg(*ranks, K)
    return float(hits.mean()), float(gains.mean())


def measure(
    recipe: Callable[[Fitting], dict[str, Any]], read: Callable[[], Split], seed: int
) -> list[Result]:
    """Read, choose on validation, train on all of the training half, and evaluate on test."""
    started = time.perf_counter()
    split = read()
    part = validation(split, seed)
    choosing = Fitting(known(part), held_out(part), seed, None)
    recipe(choosing)
    print(f"  chosen on validation: {choosing.chosen}")
    models = recipe(Fitting(known(split), nothing_held_out(N_ITEMS), seed, choosing.chosen))
    figures = {name: evaluate(model, split) for name, model in models.items()}
    seconds = time.perf_counter() - started
    results = [Result(name, *figure, seconds) for name, figure in figures.items()]
    for r in results:
        print(f"seed {seed}: {r.model}: HR@10 {r.hr:.4f}, NDCG@10 {r.ndcg:.4f}, {seconds:.0f} s")
    return results


def popularity(split: Split) -> Result:
    """Evaluate a ranking of items by their number of training interactions."""
    counts = np.bincount(split.train_items, minlength=N_ITEMS)
    ranks = ranking.count_better_and_tied(counts[split.candidates].astype(np.float32))
    hr, ndcg = (
        float(f(*ranks, K).mean()) for f in (rank_gains.expected_hits, rank_gains.expected_dcg)
    )
    return Result("Popularity", hr, ndcg, 0.0)


def mean(results: Sequence[Result], field: str) -> float:
    """Return the mean of one figure over seeds."""
    return float(np.mean([getattr(result, field) for result in results]))


def table(results: Sequence[Result]) -> str:
    """Return means and deviations over seeds, a line a model, with the published values below."""
    lines = [f"{'':52}{'HR@10':>16}{'NDCG@10':>16}"]
    for name in dict.fromkeys(result.model for result in results):
        own = [result for result in results if result.model == name]
        cells = [
            f"{mean(own, field):.4f} ± {np.std([getattr(r, field) for r in own], ddof=1):.4f}"
            for field in ("hr", "ndcg")
        ]
        lines.append(f"{name:52}{cells[0]:>16}{cells[1]:>16}")
    return "\n".join(lines + [f"{name:52}{hr:>16.3f}{ndcg:>16.3f}" for name, hr, ndcg in PUBLISHED])


def main() -> None:
    """Train and evaluate with each seed, and print the figures, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the paper's files")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    arguments = parser.parse_args()

    def read() -> Split:
        return load(arguments.data)

    runs = {
        recipe.__name__: [measure(recipe, read, seed) for seed in arguments.seeds]
        for recipe in (baselines, scratch8, best)
    }
    results = [result for run in runs.values() for of_seed in run for result in of_seed]
    print(table([popularity(read()), *results]))
    last = {name: [of_seed[-1] for of_seed in runs[name]] for name in ("scratch8", "best")}
    last["blend"] = [of_seed[1] for of_seed in runs["best"]]
    figures = {
        f"{name}_{field}": round(mean(last[name], field), 4)
        for name in last
        for field in ("hr", "ndcg")
    }
    print(json.dumps(figures | {"best_seconds": round(mean(last["best"], "seconds"), 1)}))


if __name__ == "__main__":
    main()
