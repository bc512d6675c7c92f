"""A tiny data set on which every row can be counted by hand."""

import json
import random
from pathlib import Path
from typing import Any

from ncf_assets.warehouse import Warehouse

DAY = 86_400
START = 1_400_025_600  # 2014-05-14 00:00 UTC
REJECTED = "not a review"


def reviews() -> list[dict[str, Any]]:
    """51 reviews: of 12 users with 4 items each, one of them twice, and of one user with 2."""
    found = [
        # even users like items 0 to 5, odd ones 6 to 11; all on different days
        review(f"user{u:02}", f"item{(u % 2) * 6 + (u // 2 + j) % 6:02}", START + j * DAY)
        for u in range(12)
        for j in range(4)
    ]
    again = found[0] | {"overall": 1.0, "unixReviewTime": START + 9 * DAY}
    few = [review("newcomer", "item00", START), review("newcomer", "item06", START)]
    return [*found, again, *few]


def review(user: str, item: str, time: int) -> dict[str, Any]:
    """One line in the terms of the 2014 files."""
    return {"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time}


ROWS = {
    "raw_reviews": 51,
    "rejected_reviews": 1,
    "users": 13,  # the newcomer too
    "items": 12,
    "interactions": 50,  # 51 less the pair that was reviewed twice
    "train": 12 * 2 + 2,  # the newcomer's two stay in train
    "validation": 12,
    "test": 12,
    "negatives": 2 * 12 * 3,  # 3 candidates in CONFIG
    "test_candidates": 12 * 4,
    "baselines": 12,
    "test_ranks": 2 * 5 * 12,  # neumf, gmf, mlp, ials and popularity; sampled and full
    "metrics": 2 * 5 * 6,  # hr and ndcg; by expectation, optimistic, pessimistic
    "recommendations": 12 * 3 + 3,  # 3 asked for in CONFIG, for the newcomer too
    "popular_items": 12,  # all, as there are fewer than 20
    "item_neighbours": 12 * 2,  # 2 asked for in CONFIG
}
TRAINING = {"epochs": 2, "batch_size": 16}
CONFIG: dict[str, Any] = {
    "ops": {
        "negatives": {"config": {"candidates": 3}},
        "ials_model": {"config": {"factors": 2, "sweeps": 2}},
        "gmf_model": {"config": TRAINING},
        "mlp_model": {"config": {"layers": [4, 2], **TRAINING}},
        "neumf_model": {"config": TRAINING},
        "metrics": {"config": {"k": 2}},
        "ranking_pass": {"config": {"recommended": 3}},
        "item_neighbours": {"config": {"neighbours": 2}},
    }
}


def write_source(folder: Path, shuffled: bool = False) -> None:
    """A data folder with a registry of its own, whose Sample is the tiny data set."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row) for row in reviews()] + [REJECTED]
    if shuffled:
        random.Random(7).shuffle(lines)
    (folder / "tiny.json").write_text("\n".join(lines) + "\n")
    (folder / "datasets.toml").write_text('[Sample]\nformat = "amazon-2014"\npath = "tiny.json"\n')


def contents(warehouse: Warehouse) -> dict[str, str]:
    """The content hash of each table of the tiny data set."""
    return {table: warehouse.stamp(table, "Sample").content for table in ROWS}
