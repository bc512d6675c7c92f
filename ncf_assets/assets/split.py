"""Split: leave-one-out, and the random items that each test item competes with."""

import dagster as dg
import pandas as pd
from pydantic import Field

from ncf_assets.ncf.evaluation import evaluation_negatives
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables, sql_table

train = sql_table("train", "split")
validation = sql_table("validation", "split")
test = sql_table("test", "split")

USERS_AT_ONCE = 10_000  # whose rows are in memory in the table's form: chosen to take 30 MB


class NegativesConfig(dg.Config):
    """Which random items a test item competes with."""

    seed: int = Field(2017, ge=0, description="Seed of the draws")
    n_negatives: int = Field(
        99, ge=1, le=9999, description="Items for each test item (He et al. 2017: 99)"
    )


@python_tables(
    {"negatives": "split"}, reads=["users", "items", "interactions", "test"], config=NegativesConfig
)
def negatives(run: AssetRun, config: NegativesConfig) -> None:
    """Draw the competitors of each test item."""
    keys = evaluation_negatives.user_keys(run.inputs.read("users")["user_id"].tolist())
    seen = run.inputs.read("interactions", ["user", "item"])
    held_out = run.inputs.read("test", ["user"])["user"].to_numpy()
    items = evaluation_negatives.unseen_items(
        keys,
        held_out,
        seen["user"].to_numpy(),
        seen["item"].to_numpy(),
        run.inputs.rows("items"),
        config.n_negatives,
        config.seed,
    )
    for start in range(0, max(1, len(held_out)), USERS_AT_ONCE):
        part = slice(start, start + USERS_AT_ONCE)
        rows = evaluation_negatives.long_form(held_out[part], items[part])
        run.write("negatives", pd.DataFrame(rows))


test_candidates = sql_table("test_candidates", "split", users_of="test")
