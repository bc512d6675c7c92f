"""Serve: what people and pages ask for beside the recommendations, which `rank` makes.

The macros that answer in SQL are `ncf_assets/warehouse/macros/`.
"""

import dagster as dg
import pandas as pd
from pydantic import Field

from ncf_assets.assets import scorers
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.table_asset import sql_asset, table_asset
from ncf_assets.ncf import recommending


class NeighboursConfig(dg.Config):
    """How many similar items are kept."""

    neighbours: int = Field(20, ge=1, le=1000, description="Similar items of each item")


popular_items = sql_asset("popular_items", "serve")


@table_asset(
    "serve",
    reads=["items", f"{scorers.SERVED}_model"],
    config=NeighboursConfig,
    modules=["ncf_assets.ncf.neumf", "ncf_assets.ncf.similarity"],
)
def item_neighbours(inputs: Inputs, config: NeighboursConfig) -> pd.DataFrame:
    """Compare the embeddings of every pair of items."""
    from ncf_assets.ncf import neumf, similarity

    model = neumf.load(inputs.model_file(f"{scorers.SERVED}_model"))
    top = similarity.neighbours(similarity.item_vectors(model), config.neighbours)
    columns = recommending.long_form(top)
    item_ids = inputs.read("items")["item_id"]
    return pd.DataFrame(
        {
            "item_id": item_ids.take(columns["user"]).array,
            "position": columns["position"],
            "similar_item_id": item_ids.take(columns["item"]).array,
            "similarity": columns["score"],
        }
    )
