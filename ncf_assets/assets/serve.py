"""Serve: popular and similar items, for people and pages. `rank` makes the recommendations.

The macros that answer in SQL are in `ncf_assets/macros/`.
"""

import dagster as dg
import pandas as pd
from pydantic import Field

from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.ncf.recommend import top_k
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables, sql_table


class SimilaritiesConfig(dg.Config):
    """How many similar items are kept."""

    neighbors: int = Field(20, ge=1, le=1000, description="Similar items of each item")


popular_items = sql_table("popular_items", "serve")


@python_tables(
    {"item_similarities": "serve"},
    reads=["items", f"{EVALUATED_MODEL}_model"],
    config=SimilaritiesConfig,
)
def item_similarities(run: AssetRun, config: SimilaritiesConfig) -> None:
    """Compare the embeddings of every pair of items."""
    from ncf_assets.ncf.models import neumf
    from ncf_assets.ncf.recommend import item_similarity

    model = neumf.load(run.inputs.model_file(f"{EVALUATED_MODEL}_model"))
    top = item_similarity.neighbors(item_similarity.item_vectors(model), config.neighbors)
    columns = top_k.long_form(top)
    item_ids = run.inputs.read("items")["item_id"]
    rows = {
        "item_id": item_ids.take(columns["user"]).array,
        "position": columns["position"],
        "similar_item_id": item_ids.take(columns["item"]).array,
        "similarity": columns["score"],
    }
    run.write("item_similarities", pd.DataFrame(rows))
