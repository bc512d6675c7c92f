"""Evaluate: where each model places the held-out items, and the metrics that follow."""

from dataclasses import asdict

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import NoConfig, table_asset
from ncf_assets.ncf import metrics as formulas
from ncf_assets.ncf import ranking
from ncf_assets.ncf.randomness import rng

NETWORKS = ("gmf", "mlp", "neumf")


@table_asset(
    "evaluate",
    reads=["test_candidates", "baselines", *(f"{name}_model" for name in NETWORKS)],
    modules=["ncf_assets.ncf.ranking", "ncf_assets.ncf.neumf"],
)
def test_ranks(inputs: Inputs, _: NoConfig) -> pd.DataFrame:
    """Score every test list with every model, and count what beats or ties the held-out item."""
    from ncf_assets.ncf import neumf

    candidates = inputs.read("test_candidates", ["user", "item"])
    users = candidates["user"].unique()
    lists = candidates["item"].to_numpy().reshape(len(users), -1)  # [users, 1 + negatives]
    ranks = [
        _ranks(str(name), users, rows.sort_values("item")["score"].to_numpy()[lists])
        for name, rows in inputs.read("baselines").groupby("model")
    ]
    for name in NETWORKS:
        scorer = neumf.scorer(neumf.load(inputs.model_file(f"{name}_model")))
        ranks.append(_ranks(name, users, ranking.score(scorer, users, lists)))
    return pd.concat(ranks, ignore_index=True).sort_values(["model", "protocol", "user"])


def _ranks(model: str, users: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Rows of test_ranks from scores [users, candidates], the held-out item first."""
    better, tied = ranking.count_better_and_tied(scores)
    return pd.DataFrame(
        {
            "model": model,
            "protocol": f"sampled-{scores.shape[1] - 1}",
            "user": users,
            "n_candidates": scores.shape[1],
            "n_better": better,
            "n_tied": tied,
        }
    )


class MetricsConfig(dg.Config):
    """Which metrics, and how their intervals are drawn."""

    k: int = Field(10, ge=1, le=1000, description="Length of the recommendation list")
    seed: int = Field(2017, ge=0, description="Seed of the bootstrap over users")


@table_asset(
    "evaluate",
    reads=["test_ranks"],
    config=MetricsConfig,
    modules=["ncf_assets.ncf.metrics", "ncf_assets.ncf.randomness"],
)
def metrics(inputs: Inputs, config: MetricsConfig) -> pd.DataFrame:
    """Hit ratio and NDCG of every model, with intervals."""
    rows = [
        {"model": model, "protocol": protocol, "segment": "all", **asdict(metric)}
        for (model, protocol), ranks in inputs.read("test_ranks").groupby(["model", "protocol"])
        for metric in formulas.summarise(
            ranks["n_better"].to_numpy(),
            ranks["n_tied"].to_numpy(),
            config.k,
            rng(config.seed, f"bootstrap {model} {protocol}"),
        )
    ]
    return pd.DataFrame(rows).sort_values(["model", "protocol", "segment", "metric", "k"])
