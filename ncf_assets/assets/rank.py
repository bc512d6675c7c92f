"""Rank: a pass over all scores of each model, for the ranks of the test items and the best items.

The models are in `orchestration.scorers`. Metrics of the ranks are made in `evaluate`.
`random` is no model: it is what chance would reach, exactly, without a score.
"""

import time
from collections.abc import Mapping

import dagster as dg
import numpy as np
import pandas as pd

from ncf_assets.ncf.evaluation import diversity, ranking
from ncf_assets.ncf.evaluation.ranking import HeldOutRanks, RankCounts
from ncf_assets.ncf.models import CHANCE
from ncf_assets.ncf.random_streams import rng
from ncf_assets.ncf.recommend.top_k import NO_ITEM, TopUnseen
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.fits import SPLITS, pairs
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables
from ncf_assets.tables import tables

KS = (10, 20)  # the lengths of lists whose diversity is measured
EXAMPLES, EXAMPLE_LENGTH = 5, 10  # users whose lists are kept, and items of each; chosen
SEED = 2017  # of the draw of these users, which no figure depends on
POPULARITY = "popularity"


@python_tables(
    {"test_ranks": "evaluate", "diversity": "evaluate", "example_lists": "evaluate"},
    reads=["users", "items", "interactions", "test_candidates", *scorers.SCORED_ASSETS],
)
def scoring(run: AssetRun, _: NoConfig) -> None:
    """Score every item for every test user with each model."""
    seen, known = pairs(run.inputs, ["interactions"]), pairs(run.inputs, SPLITS["test"])
    rows, candidates = test_candidates(run.inputs)
    users, held_out_items = np.unique(rows), candidates[:, 0]
    sampled = f"sampled-{candidates.shape[1] - 1}"
    ranks, lists = [], {}
    for name, load in sorted(scorers.SCORERS.items()):
        scorer = load(run.inputs)
        if scorer is None:
            continue
        held_out, top = HeldOutRanks(rows, candidates, seen), TopUnseen(users, known, max(KS))
        started = time.monotonic()
        ranking.score_all(name, scorer, users, seen.n_items, [held_out, top])
        dg.get_dagster_logger().info(
            f"{name} ranked {seen.n_items:,} items for {users.size:,} users,"
            f" {time.monotonic() - started:.1f} s"
        )
        ranks += [
            _ranks(name, "full", rows, held_out_items, held_out.full),
            _ranks(name, sampled, rows, held_out_items, held_out.sampled),
        ]
        lists[name] = top.items
    unscored = HeldOutRanks(rows, candidates, seen)
    ranks += [
        _ranks(CHANCE, "full", rows, held_out_items, unscored.full.by_chance()),
        _ranks(CHANCE, sampled, rows, held_out_items, unscored.sampled.by_chance()),
    ]
    run.write("test_ranks", pd.concat(ranks, ignore_index=True))
    histories = np.bincount(known.pairs % known.n_items, minlength=known.n_items)
    figures = diversity.rows(lists, POPULARITY, histories, run.inputs.rows("users"), KS)
    columns = tables()["diversity"].schema.names
    run.write("diversity", pd.DataFrame(figures, columns=columns).sort_values(columns[:3]))
    run.write("example_lists", _examples(users, lists))


def _examples(users: np.ndarray, lists: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the first items of each model's list for some users; lists are [n_users, k]."""
    drawn = np.sort(rng(SEED, "example users").permutation(users.size)[:EXAMPLES])
    rows = [
        (users[row], model, position, item)
        for row in drawn
        for model, items in sorted(lists.items())
        for position, item in enumerate(items[row, :EXAMPLE_LENGTH], start=1)
        if item != NO_ITEM
    ]
    return pd.DataFrame(rows, columns=tables()["example_lists"].schema.names)


def test_candidates(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return for each held-out item the user [n], and [n, 1 + negatives] it and the negatives."""
    candidates = inputs.read("test_candidates", ["user", "position", "item"])
    is_held_out = candidates["position"] == 0
    held_out, negatives = candidates[is_held_out], candidates[~is_held_out]
    users = held_out["user"].to_numpy()
    everyone, user = np.unique(users, return_inverse=True)
    of_users = negatives["item"].to_numpy().reshape(everyone.size, -1)
    return users, np.column_stack([held_out["item"], of_users[user]])


def _ranks(
    model: str, protocol: str, users: np.ndarray, items: np.ndarray, counts: RankCounts
) -> pd.DataFrame:
    columns = {"model": model, "protocol": protocol, "user": users, "item": items, **vars(counts)}
    return pd.DataFrame(columns)
