"""Evaluate: the metrics that follow from the rank of each held-out item under each model."""

from collections.abc import Iterator, Sequence
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

    trainings, by_protocol = _ranks(run.inputs)
    found = summarize(
        trainings,
        _user_metrics(by_protocol, config.ks),
        _segments(run.inputs),
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
    by_protocol: dict[str, "Ranks"], ks: list[int]
) -> Iterator[tuple[str, "UserMetrics"]]:
    """Yield the metrics of each protocol, and estimates of the full metrics from sampled ranks.

    The estimator is for one held-out item of each user.
    """
    from ncf_assets.ncf.evaluation.user_metrics import corrected_user_metrics, user_metrics

    n_candidates = by_protocol["full"].n_candidates
    for name, ranks in by_protocol.items():
        yield name, user_metrics(ranks, ks)
        if name != "full" and not ranks.several:
            yield f"{name}-corrected", corrected_user_metrics(ranks, n_candidates, ks)


def _ranks(inputs: Inputs) -> tuple[list[tuple[str, int]], dict[str, "Ranks"]]:
    """Return models and seeds, and by protocol their ranks, whose rows are sorted by user, item.

    A model that was trained with one seed, or is from outside, has 0 in its place.
    """
    from ncf_assets.ncf.evaluation.user_metrics import Ranks

    columns = ["protocol", "model", "user", "n_candidates", "n_better", "n_tied"]
    by_seed = inputs.read("seed_ranks", ["seed", *columns])
    once = pd.concat([inputs.read(table, columns) for table in ("test_ranks", "outside_ranks")])
    once = once.assign(seed=0)
    once = once[~once["model"].isin(by_seed["model"])]
    rows = pd.concat([once, by_seed]).sort_values(["model", "seed"], kind="stable")
    found_rows = rows[["model", "seed"]].drop_duplicates()
    trainings = [*zip(found_rows["model"], found_rows["seed"], strict=True)]
    found = {}
    for protocol, of_one in rows.groupby("protocol"):
        users, n_candidates, n_better, n_tied = (
            of_one[name].to_numpy().reshape(len(trainings), -1).T for name in columns[2:]
        )
        found[str(protocol)] = Ranks(n_candidates[:, 0], n_better, n_tied, users[:, 0])
    return trainings, found


def _segments(inputs: Inputs) -> dict[str, np.ndarray]:
    """Mark which test users are in each segment."""
    columns = ["user", "item"]
    test = inputs.read("test", columns)
    known = pd.concat([inputs.read(split, columns) for split in ("train", "validation")])
    by_user, by_item = known["user"].value_counts(), known["item"].value_counts()
    popularity = test["item"].map(by_item).fillna(0).groupby(test["user"]).max()
    history = by_user.reindex(popularity.index).fillna(0)
    return segments(history.to_numpy(), popularity.to_numpy())


def _frame(table: str, rows: Sequence[Any]) -> pd.DataFrame:
    key, columns = list(tables()[table].key), tables()[table].schema.names
    return pd.DataFrame(map(asdict, rows), columns=columns).sort_values(key)
