"""Rank: one pass over all scores of each model, for the places of held-out items and for lists.

Which models there are is `scorers`; what the places are worth, `evaluate`; who reads the lists,
`serve`.
"""

import time

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ncf_assets.assets import scorers
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import Rows, tables_asset
from ncf_assets.ncf import ranking, recommending
from ncf_assets.ncf.ranking import BlockScorer, HeldOutRanks, Places, Reader
from ncf_assets.ncf.recommending import TopUnseen
from ncf_assets.ncf.sampling import Seen


class RankingConfig(dg.Config):
    """What is kept of a pass over all scores."""

    recommended: int = Field(
        20, ge=1, le=1000, description="Items recommended to each user, fewer if fewer are unseen"
    )


@tables_asset(
    {"test_ranks": "evaluate", "recommendations": "serve"},
    reads=["users", "items", "interactions", "test_candidates", *scorers.READS],
    config=RankingConfig,
    modules=[
        *scorers.MODULES,
        "ncf_assets.assets.scorers",
        "ncf_assets.ncf.recommending",
    ],
)
def ranking_pass(inputs: Inputs, config: RankingConfig) -> dict[str, Rows]:
    """Score every item for every user with the served model, for test users with the others."""
    seen = _seen(inputs)
    everyone = np.arange(inputs.rows("users"), dtype=np.int32)
    users, candidates = _test_lists(inputs)
    top = TopUnseen(everyone, seen, config.recommended)
    ranks = []
    for name, load in sorted(scorers.SCORERS.items()):
        scorer = load(inputs)
        if scorer is None:
            continue
        places = HeldOutRanks(users, candidates, seen)
        if name == scorers.SERVED:
            _sweep(name, scorer, everyone, seen.n_items, [places, top])
        else:
            _sweep(name, scorer, users, seen.n_items, [places])
        ranks += [
            _ranks(name, "full", users, places.full),
            _ranks(name, f"sampled-{candidates.shape[1] - 1}", users, places.sampled),
        ]
    return {
        "test_ranks": pd.concat(ranks, ignore_index=True),
        "recommendations": _recommendations(inputs, top),
    }


def _sweep(
    name: str, scorer: BlockScorer, users: np.ndarray, n_items: int, readers: list[Reader]
) -> None:
    """A pass over all scores of a model, which says in the log how long it took."""
    started = time.monotonic()
    ranking.sweep(name, scorer, users, n_items, readers)
    seconds = time.monotonic() - started
    dg.get_dagster_logger().info(
        f"{name} ranked {n_items:,} items for {users.size:,} users, {seconds:.1f} s"
    )


def _seen(inputs: Inputs) -> Seen:
    """All interactions: of train, validation and test."""
    pairs = inputs.read("interactions", ["user", "item"])
    return Seen(pairs["user"].to_numpy(), pairs["item"].to_numpy(), inputs.rows("items"))


def _test_lists(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Users [n] and their candidates [n, 1 + negatives], the held-out item first."""
    candidates = inputs.read("test_candidates", ["user", "item"])
    users = candidates["user"].unique()
    return users, candidates["item"].to_numpy().reshape(len(users), -1)


def _ranks(model: str, protocol: str, users: np.ndarray, places: Places) -> pd.DataFrame:
    columns = {"model": model, "protocol": protocol, "user": users, **vars(places)}
    return pd.DataFrame(columns)


def _recommendations(inputs: Inputs, top: TopUnseen) -> pd.DataFrame:
    """Rows of recommendations in the terms of the source file, ordered by user_id."""
    columns = recommending.long_form(top)
    users, items = inputs.read("users")["user_id"], inputs.read("items")["item_id"]
    return pd.DataFrame(
        {
            "user_id": users.take(columns["user"]).array,
            "position": columns["position"],
            "item_id": items.take(columns["item"]).array,
            "score": columns["score"],
            "reason": scorers.SERVED,
        }
    )
