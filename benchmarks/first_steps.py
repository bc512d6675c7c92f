"""Run one step as commit 5be0b88 does it, for `benchmarks.steps`: its modules had other names.

`python first_steps.py STEP FILE` runs in a checkout of that commit, and prints its seconds.
"""

# mypy: ignore-errors
import json
import sys
import time
from collections.abc import Callable

import numpy as np


def negatives(given: dict[str, np.ndarray]) -> Callable[[], object]:
    """Draw the lists of both splits."""
    from ncf_assets.ncf.sampling import unseen_items

    users, items, n_items = given["users"], given["items"], int(given["n_items"])
    everyone = np.arange(int(given["n_users"]), dtype=np.int32)
    rest = users, items, n_items, 99, 2017
    return lambda: [
        unseen_items(given["user_keys"], everyone, *rest, split) for split in ("test", "validation")
    ]


def ials(given: dict[str, np.ndarray]) -> Callable[[], object]:
    """Fit some iterations of one setting."""
    from ncf_assets.ncf.ials import IalsSettings, fit

    pairs = given["users"], given["items"], int(given["n_users"]), int(given["n_items"])
    settings = IalsSettings(128, 2, 1.0, 0.01, 2017)
    return lambda: fit(*pairs, settings)


def itemknn(given: dict[str, np.ndarray]) -> Callable[[], object]:
    """Fit the four settings that were tried by default."""
    from ncf_assets.ncf.itemknn import ItemKnnSettings, fit

    pairs = given["users"], given["items"], int(given["n_users"]), int(given["n_items"])
    tried = [ItemKnnSettings(k, shrinkage) for k in (100, 400) for shrinkage in (0.0, 10.0)]
    return lambda: [fit(*pairs, settings) for settings in tried]


def metrics(given: dict[str, np.ndarray]) -> Callable[[], object]:
    """Compute all metrics and comparisons from the ranks by eight models."""
    from ncf_assets.ncf.evaluation import summarise
    from ncf_assets.ncf.figures import Ranks, corrected_figures, figures
    from ncf_assets.ncf.segments import segments

    ks, models = [1, 5, 10, 20], [f"model {i}" for i in range(8)]
    both = {
        name: Ranks(*(given[f"{name}_{of}"] for of in ("n_candidates", "n_better", "n_tied")))
        for name in ("full", "sampled")
    }

    def protocols():
        yield "full", figures(both["full"], ks)
        yield "sampled", figures(both["sampled"], ks)
        yield "corrected", corrected_figures(both["sampled"], both["full"].n_candidates, ks)

    members = segments(given["history"], given["popularity"])
    return lambda: summarise(models, protocols(), members, "model 0", 2017)


def main() -> None:
    """Run a step once, and print its seconds: of the clock, and of all processors."""
    step, file = sys.argv[1:]
    run = {f.__name__: f for f in (negatives, ials, itemknn, metrics)}[step](dict(np.load(file)))
    clock, processor = time.perf_counter(), time.process_time()
    run()
    print(json.dumps([time.perf_counter() - clock, time.process_time() - processor]))


if __name__ == "__main__":
    main()
