"""Prepare: id maps, and one ordered interaction for each user and item."""

from typing import Any

import dagster as dg
from pydantic import Field

from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import sql_table


class InteractionsConfig(dg.Config):
    """How ties in time are broken."""

    seed: int = Field(2017, ge=0, description="Seed of the hash that orders items of equal time")


def dropped_reviews(run: AssetRun) -> dict[str, Any]:
    """Count the reviews that gave way to a later one of the same user and item."""
    dropped = run.inputs.rows("raw_reviews") - run.rows_written("interactions")
    return {"earlier reviews dropped": dropped}


users = sql_table("users", "prepare")
items = sql_table("items", "prepare")
interactions = sql_table("interactions", "prepare", InteractionsConfig, dropped_reviews)
