"""Compare whole runs with those of commit 5be0b88, in turns on one machine.

`git worktree add FOLDER 5be0b88; python -m benchmarks.runs FOLDER` materializes the Sample by the
default configuration of either commit, and a generated file, a share of Movies_and_TV's, with one
fit and the same number of epochs. Each run is a process with a data folder of its own, and seconds
are medians. Since that commit models are fitted again for the test and to serve, and there are five
models more, so the seconds of the steps that both have stand beside those of all steps.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import generate
from benchmarks.lineage import NCF, Done, data_folder, materialize
from benchmarks.pipeline import PAPERS, scaled

SAMPLE = Path(__file__).parents[1] / "data/sample/reviews_Sample_5.json.gz"
FIRST = [sys.executable, "-c", "from ncf_assets.cli import main; main()"]  # in its own checkout
EPOCHS = {"epochs": 10, "patience": 10}
TRAINED_BY_BOTH = ("gmf_model", "mlp_model")
SPLIT = ["users", "items", "interactions", "train", "validation", "test"]
# what both commits do, by the names of today's steps and of those of commit 5be0b88
SAME = {
    "reading": (["reviews"], ["reviews"]),
    "ids and split": (["latest_reviews", "split_rule", *SPLIT], SPLIT),
    "negatives": (["negatives"], ["negatives"]),
    "iALS": (["ials_model"], ["ials_model"]),
    "ItemKNN": (["itemknn_model"], ["itemknn_model"]),
    "GMF and MLP": (["gmf_model", "mlp_model"],) * 2,
    "report": (["evaluation_report"], ["evaluation_report"]),
}


def one_fit() -> dict[str, Any]:
    """Return the configuration by which today's models are fitted once, as they were then."""
    once = {name: {"config": {"refit": False}} for name in ("ials_model", "itemknn_model")}
    networks = {name: {"config": {**EPOCHS, "refit": False}} for name in PAPERS}
    return {"ops": {**once, **networks, "seed_ranks": {"config": {"seeds": 1}}}}


def first_epochs() -> dict[str, Any]:
    """Return the configuration by which networks had as many epochs."""
    return {"ops": {name: {"config": EPOCHS} for name in TRAINED_BY_BOTH}}


def in_turns(
    first: Path, file: Path, repeat: int, configs: Sequence[Mapping[str, Any] | None]
) -> tuple[list[Done], list[Done]]:
    """Run either commit so many times on a file; return the runs of today and of 5be0b88."""
    runs: tuple[list[Done], list[Done]] = [], []
    commands = (NCF, None), (FIRST, first)
    for _ in range(repeat):
        for found, config, (command, at) in zip(runs, configs, commands, strict=True):
            with tempfile.TemporaryDirectory() as name:
                folder = data_folder(Path(name, "data"), file)
                found.append(materialize(folder, config, command=command, at=at))
    return runs


def compared(runs: tuple[list[Done], list[Done]]) -> dict[str, tuple[float, float]]:
    """Return the median seconds of today and of 5be0b88 in all, and of each step that both have."""
    today, then = runs
    found = {"in all": (median(r.seconds for r in today), median(r.seconds for r in then))}
    for name, (ours, theirs) in SAME.items():
        found[name] = (
            median(r.sum(ours) for r in today),
            median(r.sum(theirs) for r in then),
        )
    steps = [seconds for name, seconds in found.items() if name != "in all"]
    return found | {"the same": (sum(s for s, _ in steps), sum(s for _, s in steps))}


def show(title: str, found: Mapping[str, tuple[float, float]]) -> None:
    """Print the table of one file."""
    print(f"\n{title:<28}{'5be0b88':>10}{'now':>10}{'share':>8}")
    for name, (now, then) in found.items():
        print(f"{name:<28}{then:>8.1f} s{now:>8.1f} s{now / then:>8.2f}", flush=True)


def main() -> None:
    """Run both files and print the tables, and the shares as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a checkout of commit 5be0b88")
    parser.add_argument("--share", type=float, default=0.05, help="of Movies_and_TV, to generate")
    parser.add_argument("--repeat", type=int, default=3, help="runs of either commit")
    chosen = parser.parse_args()
    defaults = {"ops": {"seed_ranks": {"config": {"seeds": 1}}}}, None
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        generated = Path(name, "reviews.json.gz")
        generate.write(generated, scaled(chosen.share), os.cpu_count() or 1)
        for title, file, configs in (
            ("Sample, default", SAMPLE, defaults),
            ("generated, one fit", generated, (one_fit(), first_epochs())),
        ):
            found = compared(in_turns(chosen.folder.resolve(), file, chosen.repeat, configs))
            show(title, found)
            figures[title] = {k: round(now / then, 2) for k, (now, then) in found.items()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
