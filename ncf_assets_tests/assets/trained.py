"""A data folder in which the MLP is trained, and what there is of the training."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import tiny_folder

MODEL = "mlp_model"
UPSTREAM = (
    *("raw_reviews", "rejected_reviews", "latest_reviews", "filters", "users", "items"),
    *("interactions", "split_rule", "train", "validation", "test", "negatives"),
)


def split(made: Path, data: Path) -> Path:
    """A data folder with the tables of a materialized one up to the negatives, and no more."""
    tiny_folder(data)
    for table in UPSTREAM:
        shutil.copytree(made / "tables" / table, data / "tables" / table)
    Warehouse(data).refresh_catalogue()
    return data


def record(data: Path) -> dict[str, Any]:
    """The model.json of the MLP."""
    found: dict[str, Any] = Warehouse(data).record(MODEL, "Sample")
    return found


def kept_epochs(data: Path) -> int:
    """The number of epochs in the checkpoint; 0 without one."""
    file = Warehouse(data).paths.checkpoint(MODEL, "Sample")
    if not file.exists():
        return 0
    with np.load(file, allow_pickle=False) as arrays:
        return len(json.loads(arrays["history"].tobytes())) - 1
