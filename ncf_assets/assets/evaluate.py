"""Evaluate: the metrics that follow from the rank of each held-out item under each model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from ncf_assets.ncf.evaluation.segments import segments
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.orchestration.metrics_table import metrics_table
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.ranks import TABLES, AllRanks
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.tables import tables

if TYPE_CHECKING:  # figures take scipy, which need not load with the code location
    from ncf_assets.ncf.evaluation.user_metrics import Ranks, UserMetrics


class EvaluationConfig(dg.Config):
    """Which metrics, and how their intervals are drawn."""

    ks: list[int] = Field(
        [1, 5, 10, 20], min_length=1, description="Lengths of the recommendation list, 1 to 1000"
    )
    margin: float = Field(
        0.05, ge=0, le=1, description="Share of a model's figure below which a difference is none"
    )
    seed: int = Field(2017, ge=0, description="Seed of the draws for intervals of comparisons")

    @field_validator("ks")
    @classmethod
    def _check_ks(cls, ks: list[int]) -> list[int]:
        if min(ks) < 1 or max(ks) > 1000 or len(set(ks)) < len(ks):
            raise ValueError(f"lengths must be 1 to 1000, each given once, found {ks}")
        return ks


@python_tables(
    {"metrics": "evaluate", "comparisons": "evaluate", "seed_metrics": "evaluate"},
    reads=["test_ranks", "seed_ranks", "outside_ranks", "test", "train", "validation"],
    config=EvaluationConfig,
)
def evaluation(run: AssetRun, config: EvaluationConfig) -> None:
    """Compute each metric of each model in each segment, and NeuMF's difference to each other.

    A model that was trained with several seeds is taken by the mean over them.
    """
    from ncf_assets.ncf.evaluation.summary import summarize

    users, members = _segments(run.inputs)
    one_each = users.size == run.inputs.rows("test")
    with run.inputs.connect(TABLES) as connection:
        ranks = AllRanks(connection)
        found = summarize(
            ranks.trainings,
            _user_metrics(ranks.blocks(users), config.ks, one_each),
            members,
            EVALUATED_MODEL,
            config.margin,
            config.seed,
        )
    metrics = _frame("metrics", found.metrics)
    run.previews["metrics"] = metrics_table(metrics.query("segment == 'all'"))
    run.write("metrics", metrics)
    run.write("comparisons", _frame("comparisons", found.comparisons))
    run.write("seed_metrics", _frame("seed_metrics", found.of_seeds))


def _user_metrics(
    blocks: Iterable[dict[str, "Ranks"]], ks: list[int], one_each: bool
) -> Iterator[dict[str, "UserMetrics"]]:
    """Yield the metrics of some users at a time, by protocol.

    Where users have one held-out item each, estimates of the full metrics from sampled ranks are
    among them.
    """
    from ncf_assets.ncf.evaluation.user_metrics import corrected_user_metrics, user_metrics

    for block in blocks:
        found = {}
        for name, ranks in block.items():
            found[name] = user_metrics(ranks, ks)
            if name != "full" and one_each:
                lengths = block["full"].n_candidates
                found[f"{name}-corrected"] = corrected_user_metrics(ranks, lengths, ks)
        yield found


def _segments(inputs: Inputs) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the test users, ascending, and mark which of them are in each segment."""
    columns = ["user", "item"]
    test = inputs.read("test", columns)
    known = pd.concat([inputs.read(split, columns) for split in ("train", "validation")])
    by_user, by_item = known["user"].value_counts(), known["item"].value_counts()
    popularity = test["item"].map(by_item).fillna(0).groupby(test["user"]).max()
    history = by_user.reindex(popularity.index).fillna(0)
    return popularity.index.to_numpy(), segments(history.to_numpy(), popularity.to_numpy())


def _frame(table: str, rows: Sequence[Any]) -> pd.DataFrame:
    key, columns = list(tables()[table].key), tables()[table].schema.names
    return pd.DataFrame(map(asdict, rows), columns=columns).sort_values(key)
