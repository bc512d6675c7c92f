"""A data folder in which the MLP is trained, and what there is of the training."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf, tiny_folder

MODEL = "mlp_model"
UPSTREAM = (
    "raw_reviews,rejected_reviews,latest_reviews,filters,users,items,interactions,train,validation,"
    "test,negatives"
)


def split(data: Path) -> Path:
    """A data folder whose Sample is materialized up to the negatives."""
    config = str(tiny_folder(data) / "run.yaml")
    done = ncf(data, "materialize", "Sample", "--select", UPSTREAM, "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
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
