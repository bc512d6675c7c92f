"""Fit iALS as `fitted_by` of ials_model says: in the process of the run, or by Spark MLlib.

MLlib's workers read the tables themselves. The process of the run gets the items' factors from
them, and makes the last iteration (see `ncf_assets.ncf.models.mllib`).
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.orchestration.fits import SPLITS, Fit, interactions
from ncf_assets.orchestration.inputs import Inputs

if TYPE_CHECKING:  # else the code location would import scipy
    from ncf_assets.ncf.models.ials import Factors, IalsSettings

FittedBy = Literal["numpy", "mllib"]
# the weights of `Interactions.weights`, to rounding
EQUAL = "select user, item, 1.0 as weight from known"
HALVED = """
select user, item, weight * count(*) over of_user / sum(weight) over of_user as weight
from (
  select
    user,
    item,
    power(0.5, (row_number() over (partition by user order by recency) - 1) / $half_life) as weight
  from known
)
window of_user as (partition by user)
"""


def fitter(inputs: Inputs, fit: Fit, fitted_by: FittedBy) -> "Callable[[IalsSettings], Factors]":
    """Return what fits the factors to what a fit sees. Raise SparkError for MLlib without Spark."""
    from ncf_assets.ncf.models import ials

    if fitted_by == "mllib":
        inputs.check_mllib()
        return partial(_by_mllib, inputs, fit, interactions(inputs, fit))
    return partial(ials.fit, interactions(inputs, fit))


def weighted(splits: tuple[str, ...], half_life: float) -> tuple[str, dict[str, Any]]:
    """Return the select of the weight of each interaction in some splits, and its parameters."""
    known = " union all ".join(f"select user, item, recency from {split}" for split in splits)
    select, parameters = (HALVED, {"half_life": half_life}) if half_life else (EQUAL, {})
    return f"with known as ({known}) {select}", parameters


def _by_mllib(inputs: Inputs, fit: Fit, known: Interactions, settings: "IalsSettings") -> "Factors":
    from ncf_assets.ncf.models import ials
    from ncf_assets.ncf.models.mllib import MllibSettings

    known.check_not_empty()
    mllib = MllibSettings.of(settings, known.n_users, known.n_items, known.n)
    # items without interactions have no factors at MLlib
    items = np.zeros((known.n_items, settings.factors), np.float32)
    select, parameters = weighted(SPLITS[fit], settings.half_life)
    for batch in inputs.item_factors(select, parameters, asdict(mllib), SPLITS[fit]):
        rows = batch["features"].flatten().to_numpy()
        items[batch["id"].to_numpy()] = rows.reshape(-1, settings.factors) / mllib.length
    return ials.last_iteration(known, settings, items)
