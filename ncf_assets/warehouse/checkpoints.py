"""Which training a kept progress belongs to, as its file says.

Going on with it is `ncf_assets.assets.resuming`'s work.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

TRAINING = "training"  # the array that holds code, inputs and config, as JSON


def training_of(file: Path) -> dict[str, Any] | None:
    """The code, inputs and config of the training; None if the file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            training: dict[str, Any] = json.loads(kept[TRAINING].tobytes())
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return training
