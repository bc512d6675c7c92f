"""A tiny data set on which every row can be counted by hand."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

from ncf_assets.warehouse.warehouse import Warehouse

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


def reviews_for_defaults() -> list[dict[str, Any]]:
    """Return reviews by 60 users of 6 of 120 items each: enough for lists of 99 candidates."""
    return [
        review(f"user{u:02}", f"item{(2 * u + j) % 120:03}", START + j * DAY)
        for u in range(60)
        for j in range(6)
    ]


def review(user: str, item: str, time: int) -> dict[str, Any]:
    """One line in the terms of the 2014 files."""
    return {"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time}


ROWS = {
    "raw_reviews": 51,
    "rejected_reviews": 1,
    "latest_reviews": 50,  # 51 less the pair that was reviewed twice
    "filters": 0,  # none is set
    "users": 13,  # the newcomer too
    "items": 12,
    "item_details": 0,  # the registry names no file of them
    "interactions": 50,
    "split_rule": 1,
    "train": 12 * 2 + 2,  # the newcomer's two stay in train
    "validation": 12,
    "test": 12,
    "negatives": 12 * 3,  # 3 candidates in CONFIG
    "test_candidates": 12 * 4,
    "popularity_scores": 12,
    "test_ranks": 2 * 13 * 12,  # sampled and full; of 4 networks and 9 baselines
    "seed_ranks": 0,  # one seed is asked for in CONFIG
    "seed_metrics": 0,
    "outside_ranks": 0,  # no scores are brought from outside
    "outside_diversity": 0,
    # in segments all, history 3-4 and popularity 1-4, of 13 models: sampled and full each auc and,
    # at 2 lengths, hr, mrr, recall, ndcg, precision, map, 2 optimistic and 2 pessimistic; corrected
    # the first 4
    "metrics": 3 * 13 * (2 * (1 + 2 * 10) + 2 * 4),
    "comparisons": 12 * 2 * 2 * 2,  # of 12 other models: sampled and full, hr and ndcg at 2 lengths
    "data_profile": 1,
    # of 12 models, coverage, gini, novelty, overlap and popularity at 10 and 20
    "diversity": 12 * 5 * 2,
    # of 5 users and 12 models, all items but the 3 in train and validation
    "example_lists": 5 * 12 * 9,
    "recommendations": 12 * 3 + 3,  # 3 asked for in CONFIG, for the newcomer too
    "popular_items": 12,  # all, as there are fewer than 20
    "item_similarities": 12 * 2,  # 2 asked for in CONFIG
    "item_weights": 12 * 3,  # 3 asked for in CONFIG; each item speaks for 5 others or more
}
TRAINING = {"epochs": 2, "batch_size": 16}
CONFIG: dict[str, Any] = {
    "ops": {
        "negatives": {"config": {"n_negatives": 3}},
        "ials_model": {"config": {"factors": 2, "iterations": 2}},
        "gmf_model": {"config": TRAINING},
        "mlp_model": {"config": {"layers": [4, 2], **TRAINING}},
        "neumf_scratch_model": {"config": {"layers": [4, 2], **TRAINING}},
        "neumf_model": {"config": {"factors": 2, "layers": [4, 2], "negatives": 8, **TRAINING}},
        "seed_ranks": {"config": {"seeds": 1}},
        "evaluation": {"config": {"ks": [1, 2]}},
        "recommendations": {"config": {"top_k": 3}},
        "item_similarities": {"config": {"neighbors": 2}},
        "item_weights": {"config": {"weights": 3}},
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


def copied(made: Path, to: Path) -> Warehouse:
    """Copy what is materialized in a data folder, without Dagster's history, to change it."""
    ignored = shutil.ignore_patterns("dagster", "warehouse.duckdb")
    shutil.copytree(made, to, ignore=ignored, dirs_exist_ok=True)
    place = Warehouse(to)
    place.refresh_catalogue()  # the views name the files of their own folder
    return place


def contents(warehouse: Warehouse) -> dict[str, str]:
    """The content hash of each table of the tiny data set."""
    return {table: warehouse.get_provenance(table, "Sample").content_hash for table in ROWS}
