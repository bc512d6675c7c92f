"""Rank: a pass over all scores of each model, for the ranks of the test items and the best items.

The models are in `orchestration.scorers`. Metrics of the ranks are made in `evaluate`.
`random` is no model: it is what chance would reach, exactly, without a score. The scores of models
from outside are files that `ncf-assets evaluate` has accepted.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from ncf_assets.ingest import scores
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ncf.evaluation import diversity, listed_scores
from ncf_assets.ncf.evaluation.ranking import BlockScorer, HeldOutRanks, RankCounts
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.models import CHANCE
from ncf_assets.ncf.random_streams import rng
from ncf_assets.ncf.recommend.top_k import NO_ITEM
from ncf_assets.ncf.recommend.user_blocks import Ranks, scored_at_once
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.fits import SPLITS, pairs
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables
from ncf_assets.orchestration.user_blocks import map_users
from ncf_assets.tables import tables
from ncf_assets.warehouse import outside_scores

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
    test = RankedItems.of(run.inputs)
    models = sorted(scorers.SCORERS.items())
    ranks, lists = test.rank(run, ((name, load(run.inputs)) for name, load in models))
    everything = pd.concat([*ranks, test.rank_by_chance()], ignore_index=True)
    run.write("test_ranks", everything.sort_values("model", kind="stable"))
    run.write("diversity", test.diversity(lists))
    run.write("example_lists", _examples(test.users, lists))


@python_tables(
    {"outside_ranks": "evaluate", "outside_diversity": "evaluate"},
    reads=[
        *("users", "items", "interactions", "train", "validation", "test", "test_candidates"),
        "popularity_scores",
    ],
)
def outside_scoring(run: AssetRun, _: NoConfig) -> None:
    """Rank by the scores that `ncf-assets evaluate` has accepted; without any, write no rows."""
    origins = outside_scores.kept(run.warehouse, run.dataset)
    run.config = {"outside": {m: of.to_json() for m, of in origins.items()}} if origins else {}
    if not origins:
        for table in ("outside_ranks", "outside_diversity"):
            run.write(table, pa.RecordBatch.from_pylist([], tables()[table].schema))
        return
    test = RankedItems.of(run.inputs)
    ranks, lists = test.rank(run, ((name, _outside_scorer(run, name)) for name in origins))
    run.write("outside_ranks", pd.concat(ranks, ignore_index=True))
    popular = test.rank(run, [(POPULARITY, scorers.SCORERS[POPULARITY](run.inputs))])[1]
    figures = test.diversity(popular | lists)
    run.write("outside_diversity", figures[figures["model"] != POPULARITY])


def _outside_scorer(run: AssetRun, model: str) -> BlockScorer:
    """Return a scorer by accepted scores, which may no longer fit the users and items."""
    file = outside_scores.path(run.warehouse, run.dataset, model)
    with run.inputs.connect(scores.TABLES) as connection:
        try:
            scores.read(connection, file)
        except SourceError as error:
            raise SourceError(
                f"{error}\nThe data has changed since these scores were accepted. Bring a file for"
                f" it, or take the model out: ncf-assets evaluate {run.dataset} --remove {model}"
            ) from error
        listed = scores.listed(connection)
    n_items = run.inputs.rows("items")
    return listed_scores.block_scorer(listed.users, listed.items, listed.scores, n_items)


@dataclass(frozen=True)
class RankedItems:
    """What is ranked: a row for each held-out item, with its user and candidates.

    users: the test users, each once, ascending
    rows: integers [m], the user of each held-out item
    candidates: integers [m, 1 + negatives], the held-out item first
    seen: all interactions
    known: what the models were fitted to, which they do not show again
    n_users: number of all users
    """

    users: np.ndarray
    rows: np.ndarray
    candidates: np.ndarray
    seen: InteractionSet
    known: InteractionSet
    n_users: int

    @classmethod
    def of(cls, inputs: Inputs) -> "RankedItems":
        """Read the candidates of the test users, and the interactions."""
        rows, candidates = _test_candidates(inputs)
        seen, known = pairs(inputs, ["interactions"]), pairs(inputs, SPLITS["test"])
        return cls(np.unique(rows), rows, candidates, seen, known, inputs.rows("users"))

    def rank(
        self, run: AssetRun, models: Iterable[tuple[str, BlockScorer]]
    ) -> tuple[list[pd.DataFrame], dict[str, np.ndarray]]:
        """Return each model's ranks by both protocols, and its lists: integers [users, max(KS)]."""
        ranks, lists = [], {}
        for model, scorer in models:
            started = time.monotonic()
            work = Ranks(model, scorer, self.rows, self.candidates, self.seen, self.known, max(KS))
            blocks = list(map_users(run, work, self.users, scored_at_once(self.seen.n_items)))
            made = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
            dg.get_dagster_logger().info(
                f"{model} ranked {self.seen.n_items:,} items for {self.users.size:,} users,"
                f" {time.monotonic() - started:.1f} s"
            )
            full, sampled = (RankCounts(*made[name].T) for name in ("full", "sampled"))
            ranks.append(self._frame(model, full, sampled))
            lists[model] = made["items"]
        return ranks, lists

    def rank_by_chance(self) -> pd.DataFrame:
        """Return what equal scores of all items reach."""
        unscored = HeldOutRanks(self.rows, self.candidates, self.seen)
        return self._frame(CHANCE, unscored.full.by_chance(), unscored.sampled.by_chance())

    def diversity(self, lists: Mapping[str, np.ndarray]) -> pd.DataFrame:
        """Return the rows of `diversity` of models' lists, of which popularity's are one."""
        n_items = self.known.n_items
        histories = np.bincount(self.known.pairs % n_items, minlength=n_items)
        rows = diversity.rows(lists, POPULARITY, histories, self.n_users, KS)
        columns = tables()["diversity"].schema.names
        return pd.DataFrame(rows, columns=columns).sort_values(columns[:3])

    def _frame(self, model: str, full: RankCounts, sampled: RankCounts) -> pd.DataFrame:
        by_protocol = {"full": full, f"sampled-{self.candidates.shape[1] - 1}": sampled}
        frames = [
            pd.DataFrame(
                {
                    "model": model,
                    "protocol": protocol,
                    "user": self.rows,
                    "item": self.candidates[:, 0],
                    **vars(counts),
                }
            )
            for protocol, counts in by_protocol.items()
        ]
        return pd.concat(frames, ignore_index=True)


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


def _test_candidates(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return for each held-out item the user [n], and [n, 1 + negatives] it and the negatives."""
    candidates = inputs.read("test_candidates", ["user", "position", "item"])
    is_held_out = candidates["position"] == 0
    held_out, negatives = candidates[is_held_out], candidates[~is_held_out]
    users = held_out["user"].to_numpy()
    everyone, user = np.unique(users, return_inverse=True)
    of_users = negatives["item"].to_numpy().reshape(everyone.size, -1)
    return users, np.column_stack([held_out["item"], of_users[user]])
