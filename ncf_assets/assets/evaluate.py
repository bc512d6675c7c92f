"""Evaluate: the metrics that follow from where each model places the held-out items."""

from collections.abc import Iterator
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
    modules=["ncf_assets.ncf.evaluation"],
)
def evaluation(inputs: Inputs, config: EvaluationConfig) -> dict[str, Rows]:
    """Every metric of every model in every segment, and NeuMF's difference to each other model."""
    from ncf_assets.ncf.evaluation import summarise

    models, by_protocol = _ranks(inputs)
    means, differences = summarise(
        models, _figures(by_protocol, config.ks), _segments(inputs), scorers.SERVED, config.seed
    )
    return {
        "metrics": _frame("metrics", [asdict(row) for row in means]),
        "comparisons": _frame("comparisons", [asdict(row) for row in differences]),
    }


diversity = sql_asset("diversity", "evaluate")


def _figures(by_protocol: dict[str, "Ranks"], ks: list[int]) -> Iterator[tuple[str, "Figures"]]:
    """What the ranks under each protocol are worth, and what sampled ones say of full ones."""
    from ncf_assets.ncf.figures import corrected_figures, figures

    n_candidates = by_protocol["full"].n_candidates
    for name, ranks in by_protocol.items():
        yield name, figures(ranks, ks)
        if name != "full":
            yield f"{name}-corrected", corrected_figures(ranks, n_candidates, ks)


def _ranks(inputs: Inputs) -> tuple[list[str], dict[str, "Ranks"]]:
    """The models, and by protocol the ranks, whose rows are sorted by model and user."""
    from ncf_assets.ncf.figures import Ranks

    counts = ["n_candidates", "n_better", "n_tied"]
    rows = inputs.read("test_ranks", ["protocol", "model", *counts])
    models = sorted(rows["model"].unique())
    found = {}
    for protocol, of_one in rows.groupby("protocol"):
        n_candidates, n_better, n_tied = (
            of_one[name].to_numpy().reshape(len(models), -1).T for name in counts
        )
        found[str(protocol)] = Ranks(n_candidates[:, 0], n_better, n_tied)
    return models, found


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
