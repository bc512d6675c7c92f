"""Split: what is held out, and the random items that a user's test items compete with."""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ncf_assets.datasets import LEAVE_ONE_OUT, Dataset, load
from ncf_assets.ncf.evaluation import evaluation_negatives, time_split
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import NoConfig, python_tables, sql_table
from ncf_assets.orchestration.user_blocks import map_users
from ncf_assets.tables import tables


@python_tables({"split_rule": "split"}, reads=["interactions"])
def split_rule(run: AssetRun, _: NoConfig) -> None:
    """Read the dataset's split in the registry, and find its times."""
    dataset = load(run.warehouse.paths.registry)[run.dataset]
    run.config = dataset.splitting
    targets = "last" if dataset.split == LEAVE_ONE_OUT else dataset.targets
    row = (dataset.split, targets, *_times(run, dataset))
    run.write("split_rule", pd.DataFrame([row], columns=tables()["split_rule"].schema.names))


def _times(run: AssetRun, dataset: Dataset) -> tuple[Any, Any]:
    """Return when validation and test begin for all users; not at all under leave-one-out."""
    if dataset.split == LEAVE_ONE_OUT:
        return pd.NaT, pd.NaT
    times = run.inputs.read("interactions", ["timestamp"])["timestamp"].to_numpy()
    try:
        return time_split.cut_times(times, dataset.cut)
    except ValueError as error:
        raise dg.Failure(f"{dataset.block}: {error}", allow_retries=False) from error


train = sql_table("train", "split")
validation = sql_table("validation", "split")
test = sql_table("test", "split")


class NegativesConfig(dg.Config):
    """Which random items a user's test items compete with."""

    seed: int = Field(2017, ge=0, description="Seed of the draws")
    n_negatives: int = Field(
        99, ge=1, le=9999, description="Items for each test user (He et al. 2017: 99)"
    )


@python_tables(
    {"negatives": "split"}, reads=["users", "items", "interactions", "test"], config=NegativesConfig
)
def negatives(run: AssetRun, config: NegativesConfig) -> None:
    """Draw the competitors of each user's test items."""
    keys = evaluation_negatives.user_keys(run.inputs.read("users")["user_id"].tolist())
    rated = run.inputs.read("interactions", ["user", "item"])
    sides = rated["user"].to_numpy(), rated["item"].to_numpy()
    seen = InteractionSet(*sides, run.inputs.rows("items"))
    held_out = np.unique(run.inputs.read("test", ["user"])["user"])
    draw = evaluation_negatives.Negatives(keys, seen, config.n_negatives, config.seed)
    for drawn in map_users(run, draw, held_out, evaluation_negatives.AT_ONCE):
        run.write("negatives", pd.DataFrame(evaluation_negatives.long_form(**drawn)))


test_candidates = sql_table("test_candidates", "split", users_of="test")
