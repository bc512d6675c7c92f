"""Evaluate: the metrics that follow from where each model places the held-out items."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.assets import scorers
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import Rows, sql_asset, tables_asset
from ncf_assets.ncf.segments import segments
from ncf_assets.tables import tables

if TYPE_CHECKING:  # figures take scipy, which need not load with the code location
    from ncf_assets.ncf.figures import Figures, Ranks


class EvaluationConfig(dg.Config):
    """Which metrics, and how their intervals are drawn."""

    ks: list[int] = Field(
        [1, 5, 10, 20], min_length=1, description="Lengths of the recommendation list, 1 to 1000"
    )
    seed: int = Field(2017, ge=0, description="Seed of the bootstrap over users")

    @field_validator("ks")
    @classmethod
    def _check_ks(cls, ks: list[int]) -> list[int]:
        if min(ks) < 1 or max(ks) > 1000 or len(set(ks)) < len(ks):
            raise ValueError(f"lengths are 1 to 1000, each given once, found {ks}")
        return ks


@tables_asset(
    {"metrics": "evaluate", "comparisons": "evaluate"},
    reads=["test_ranks", "test", "train"],
    config=EvaluationConfig,
    modules=[
        f"ncf_assets.ncf.{module}"
        for module in (
            "bootstrap",
            "corrected",
            "evaluation",
            "figures",
            "metrics",
            "randomness",
            "segments",
        )
    ],
)
def evaluation(inputs: Inputs, config: EvaluationConfig) -> dict[str, Rows]:
    """Every metric of every model in every segment, and NeuMF's difference to each other model."""
    from ncf_assets.ncf.evaluation import summarise

    models, by_protocol = _figures(inputs, config.ks)
    means, differences = summarise(
        models, by_protocol, _segments(inputs), scorers.SERVED, config.seed
    )
    return {
        "metrics": _frame("metrics", [asdict(row) for row in means]),
        "comparisons": _frame("comparisons", [asdict(row) for row in differences]),
    }


diversity = sql_asset("diversity", "evaluate")


def _figures(inputs: Inputs, ks: list[int]) -> tuple[list[str], "dict[str, Figures]"]:
    """The models, and by protocol what their ranks are worth."""
    from ncf_assets.ncf.figures import corrected_figures, figures

    ranks = inputs.read("test_ranks")
    models = sorted(ranks["model"].unique())
    by_protocol = {
        str(protocol): _ranks(rows, len(models)) for protocol, rows in ranks.groupby("protocol")
    }
    found = {name: figures(of_one, ks) for name, of_one in by_protocol.items()}
    n_candidates = by_protocol["full"].n_candidates
    for name in by_protocol.keys() - {"full"}:
        found[f"{name}-corrected"] = corrected_figures(by_protocol[name], n_candidates, ks)
    return models, found


def _ranks(rows: pd.DataFrame, n_models: int) -> "Ranks":
    """The rows of one protocol, which are sorted by model and user."""
    from ncf_assets.ncf.figures import Ranks

    columns = {
        name: rows[name].to_numpy().reshape(n_models, -1).T
        for name in ("n_candidates", "n_better", "n_tied")
    }
    return Ranks(columns["n_candidates"][:, 0], columns["n_better"], columns["n_tied"])


def _segments(inputs: Inputs) -> dict[str, np.ndarray]:
    """Which test users are in each segment."""
    test, train = inputs.read("test"), inputs.read("train")
    by_user, by_item = train["user"].value_counts(), train["item"].value_counts()
    return segments(
        test["user"].map(by_user).fillna(0).to_numpy(),
        test["item"].map(by_item).fillna(0).to_numpy(),
    )


def _frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    key = list(tables()[table].key)
    return pd.DataFrame(rows, columns=tables()[table].schema.names).sort_values(key)
