"""Prepare: id maps, and one ordered interaction for each user and item."""

import dagster as dg
from pydantic import Field

from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import sql_asset


class InteractionsConfig(dg.Config):
    """How ties in time are broken."""

    seed: int = Field(2017, ge=0, description="Seed of the hash that orders items of equal time")


users = sql_asset("users", "prepare")
items = sql_asset("items", "prepare")


def dropped(inputs: Inputs, rows: int) -> dict[str, int]:
    """How many reviews gave way to a later one of the same user and item."""
    return {"earlier reviews dropped": inputs.rows("raw_reviews") - rows}


interactions = sql_asset("interactions", "prepare", InteractionsConfig, dropped)
