"""Prepare: id maps, and one ordered interaction for each user and item."""

import dagster as dg
from pydantic import Field

from ncf_assets.assets.table_asset import sql_asset


class InteractionsConfig(dg.Config):
    """How ties in time are broken."""

    seed: int = Field(2017, ge=0, description="Seed of the hash that orders items of equal time")


users = sql_asset("users", "prepare")
items = sql_asset("items", "prepare")
interactions = sql_asset("interactions", "prepare", InteractionsConfig)
