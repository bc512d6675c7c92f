"""Split: leave-one-out, and the random items that each held-out item competes with."""

from collections.abc import Iterator

import dagster as dg
import pandas as pd
import pyarrow as pa
from pydantic import Field

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import sql_asset, table_asset
from ncf_assets.ncf import sampling

train = sql_asset("train", "split")
validation = sql_asset("validation", "split")
test = sql_asset("test", "split")

USERS_AT_ONCE = 10_000  # whose rows are in memory in the table's form; ours: 30 MB


class NegativesConfig(dg.Config):
    """Which random items a held-out item competes with."""

    seed: int = Field(2017, ge=0, description="Seed of the draws")
    candidates: int = Field(
        99, ge=1, le=9999, description="Items for each held-out item (He et al. 2017: 99)"
    )


@table_asset(
    "split",
    reads=["users", "items", "interactions", "validation", "test"],
    config=NegativesConfig,
    modules=["ncf_assets.ncf.sampling"],
)
def negatives(inputs: Inputs, config: NegativesConfig) -> Iterator[pa.RecordBatch]:
    """Draw the competitors of each held-out item of both splits."""
    keys = sampling.user_keys(inputs.read("users")["user_id"].tolist())
    seen = inputs.read("interactions", ["user", "item"])
    for split in ("test", "validation"):
        held_out = inputs.read(split, ["user"])["user"].to_numpy()
        items = sampling.unseen_items(
            keys,
            held_out,
            seen["user"].to_numpy(),
            seen["item"].to_numpy(),
            inputs.rows("items"),
            config.candidates,
            config.seed,
            split,
        )
        for start in range(0, len(held_out), USERS_AT_ONCE):
            part = slice(start, start + USERS_AT_ONCE)
            columns = pd.DataFrame(sampling.long_form(split, held_out[part], items[part]))
            yield pa.RecordBatch.from_pandas(columns, preserve_index=False)


test_candidates = sql_asset("test_candidates", "split", users_of="test")
