"""Rank: one pass over all scores of each model gives held-out ranks and recommendations.

The models are in `orchestration.scorers`. Metrics of the ranks are made in `evaluate`; what goes
with the recommendations, in `serve`.
"""

import time

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.evaluation_negatives import InteractionSet
from ncf_assets.ncf.evaluation.ranking import BlockScorer, HeldOutRanks, RankCounts, ScoreConsumer
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.ncf.recommend import top_k
from ncf_assets.ncf.recommend.top_k import TopUnseen
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables


class RankingConfig(dg.Config):
    """How many recommendations are kept of a pass over all scores."""

    top_k: int = Field(
        20, ge=1, le=1000, description="Items recommended to each user, fewer if fewer are unseen"
    )


@python_tables(
    {"test_ranks": "evaluate", "recommendations": "serve"},
    reads=["users", "items", "interactions", "test_candidates", *scorers.SCORED_ASSETS],
    config=RankingConfig,
)
def ranking_pass(run: AssetRun, config: RankingConfig) -> None:
    """Score every item for every user with the evaluated model, for test users with the others."""
    seen = _interactions(run.inputs)
    everyone = np.arange(run.inputs.rows("users"), dtype=np.int32)
    users, candidates = _test_candidates(run.inputs)
    top = TopUnseen(everyone, seen, config.top_k)
    ranks = []
    for name, load in sorted(scorers.SCORERS.items()):
        scorer = load(run.inputs)
        if scorer is None:
            continue
        held_out = HeldOutRanks(users, candidates, seen)
        if name == EVALUATED_MODEL:
            _score_all(name, scorer, everyone, seen.n_items, [held_out, top])
        else:
            _score_all(name, scorer, users, seen.n_items, [held_out])
        ranks += [
            _ranks(name, "full", users, held_out.full),
            _ranks(name, f"sampled-{candidates.shape[1] - 1}", users, held_out.sampled),
        ]
    run.write("test_ranks", pd.concat(ranks, ignore_index=True))
    run.write("recommendations", _recommendations(run.inputs, top))


def _score_all(
    name: str, scorer: BlockScorer, users: np.ndarray, n_items: int, consumers: list[ScoreConsumer]
) -> None:
    """Pass over all scores of a model, and log how long that took."""
    started = time.monotonic()
    ranking.score_all(name, scorer, users, n_items, consumers)
    seconds = time.monotonic() - started
    dg.get_dagster_logger().info(
        f"{name} ranked {n_items:,} items for {users.size:,} users, {seconds:.1f} s"
    )


def _interactions(inputs: Inputs) -> InteractionSet:
    """Return all interactions: of train, validation and test."""
    pairs = inputs.read("interactions", ["user", "item"])
    return InteractionSet(pairs["user"].to_numpy(), pairs["item"].to_numpy(), inputs.rows("items"))


def _test_candidates(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Return users [n] and their candidates [n, 1 + negatives], the held-out item first."""
    candidates = inputs.read("test_candidates", ["user", "item"])
    users = candidates["user"].unique()
    return users, candidates["item"].to_numpy().reshape(len(users), -1)


def _ranks(model: str, protocol: str, users: np.ndarray, counts: RankCounts) -> pd.DataFrame:
    columns = {"model": model, "protocol": protocol, "user": users, **vars(counts)}
    return pd.DataFrame(columns)


def _recommendations(inputs: Inputs, top: TopUnseen) -> pd.DataFrame:
    """Return rows of recommendations with the source file's ids, ordered by user_id."""
    columns = top_k.long_form(top)
    users, items = inputs.read("users")["user_id"], inputs.read("items")["item_id"]
    return pd.DataFrame(
        {
            "user_id": users.take(columns["user"]).array,
            "position": columns["position"],
            "item_id": items.take(columns["item"]).array,
            "score": columns["score"],
            "reason": EVALUATED_MODEL,
        }
    )
