"""The best settings of a search, as the assets show them and as commands take them.

How settings are searched is `ncf_assets.ncf.tuning`.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

SETTINGS = ("learning_rate", "l2", "negatives_per_positive", "averaging")
MODEL = "neumf_model"  # whose settings they are
SEARCH = "tuning"  # the table of all trials


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """Of the table's rows those that have figures."""
    found = trials[trials["state"] == "complete"]
    # pandas has no null in whole numbers, and these columns have some in other trials
    return found.astype({"epoch": int, "negatives_per_positive": int})


def best_trial(trials: pd.DataFrame) -> dict[str, Any]:
    """The complete trial of highest validation NDCG@10, the first of equals.

    ValueError if there is none.
    """
    found = complete(trials).to_dict("records")
    if not found:
        raise ValueError("no trial of the search is complete; run `ncf-assets tune` again")
    best = max(found, key=lambda trial: float(trial["validation_ndcg_at_10"]))
    return {str(name): value for name, value in best.items()}


def as_run_config(
    trial: Mapping[str, Any], config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A run configuration with a trial's settings in it. ValueError if it sets one of them."""
    best = {name: trial[name] for name in SETTINGS}
    ops = (config or {}).get("ops", {})
    own = ops.get(MODEL, {}).get("config", {})
    if both := sorted(own.keys() & best.keys()):
        raise ValueError(f"--tuned sets {', '.join(both)} of {MODEL}; take it out of --config")
    return {**(config or {}), "ops": {**ops, MODEL: {"config": own | best}}}
