"""Evaluate: the metrics that follow from where each model places the held-out items."""

from dataclasses import asdict

import dagster as dg
import pandas as pd
from pydantic import Field

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import table_asset
from ncf_assets.ncf import metrics as formulas
from ncf_assets.ncf.randomness import rng


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
