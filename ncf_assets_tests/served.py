"""Small tables of what is served, drawn by hand, as macros and commands answer from them."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from ncf_assets.warehouse.warehouse import Warehouse

RECOMMENDED = {
    "user_id": ["07", "7", "ann", "ann", "o'neil"],
    "position": [1, 1, 1, 2, 1],
    "item_id": ["tie", "cap", "cap", "hat", "hat"],
    "score": [1.0, 1.0, 1.5, 0.5, 0.2],
    "reason": ["neumf"] * 5,
}
POPULAR = {"position": [1, 2], "item_id": ["tie", "cap"], "score": [9.0, 4.0]}
SIMILAR = {
    "item_id": ["7", "cap", "cap", "hat"],
    "position": [1, 1, 2, 1],
    "similar_item_id": ["07", "hat", "tie", "cap"],
    "similarity": [0.5, 0.9, 0.1, 0.9],
}
ITEMS = {"item": [0, 1, 2, 3, 4], "item_id": ["7", "bag", "cap", "hat", "tie"]}
USERS = {"user": [0, 1], "user_id": ["7", "ann"]}
# ann has had the bag first, then the cap; user 7 has the tie
OWNED = {"user": [0, 1, 1], "item": [4, 1, 2], "recency": [1, 2, 1]}
# half-life 1: the last of two weighs 1, the one before 1/2; scaled to add up to 2, 4/3 and 2/3
WEIGHTS = {
    "item": [0, 1, 1, 1, 2],
    "position": [1, 1, 2, 3, 1],
    "recommended_item": [3, 4, 3, 2, 3],
    "weight": [0.25, 1.2, 0.6, 0.3, 0.9],
    "model": ["ease"] * 5,
    "half_life": [1.0] * 5,
}
DETAILS = {
    "item_id": ["cap"],
    "title": ["A flat cap"],
    "brand": [None],
    "category": [None],
    "price": [9.5],
}
TABLES = {
    "recommendations": RECOMMENDED,
    "popular_items": POPULAR,
    "item_similarities": SIMILAR,
    "items": ITEMS | {"n_interactions": [1] * 5},
    "users": USERS | {"n_interactions": [1, 2]},
    "interactions": OWNED
    | {"rank": [1] * 3, "rating": [5.0] * 3, "timestamp": [datetime(2014, 5, 14)] * 3},
    "item_weights": WEIGHTS,
    "item_details": DETAILS,
}


def write(warehouse: Warehouse, dataset: str, table: str, rows: dict[str, Any]) -> None:
    """Publish rows with a simple provenance."""
    _publish(warehouse, dataset, table, rows)
    warehouse.refresh_catalogue()


def write_all(warehouse: Warehouse, *datasets: str) -> None:
    """Publish all tables for each dataset."""
    for dataset in datasets:
        for table, rows in TABLES.items():
            _publish(warehouse, dataset, table, rows)
    warehouse.refresh_catalogue()  # once: it would take longer than all of them


def _publish(warehouse: Warehouse, dataset: str, table: str, rows: dict[str, Any]) -> None:
    with warehouse.stage_table(table, dataset) as staged:
        staged.write([pa.RecordBatch.from_pydict(rows)])
        staged.seal(code_version="c", input_hashes={}, config={}, run_id="r")
        staged.publish()
