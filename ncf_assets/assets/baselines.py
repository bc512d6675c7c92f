"""Baselines that NeuMF must beat: popularity in SQL, and item-to-item models fitted in one go.

iALS, from which GMF starts, is in `train`; random scores take no fitting: `scorers`.
"""

from functools import partial
from itertools import product

from pydantic import Field

from ncf_assets.assets.fitted_asset import (
    FitConfig,
    Fitted,
    fitted_asset,
    some_validation_lists,
)
from ncf_assets.assets.learned_asset import train_pairs
from ncf_assets.assets.partition import Run
from ncf_assets.assets.table_asset import sql_asset


class ItemKnnConfig(FitConfig):
    """Item-based neighbourhoods (Sarwar et al. 2001), by the cosine with shrinkage."""

    neighbours: list[int] = Field(
        [50, 200],
        min_length=1,
        description="Most similar items that count for an item; values to try, see `shrinkage`",
    )
    shrinkage: list[float] = Field(
        [10.0, 100.0],
        min_length=1,
        description="Distrust of similarities that few users support; values to try: the pair with"
        " the best validation NDCG@10 is kept",
    )


class EaseConfig(FitConfig):
    """A linear model from items to items in closed form (Steck 2019)."""

    regularisation: list[float] = Field(
        [100.0, 300.0, 1000.0],
        min_length=1,
        description="Ridges to try; the one with the best validation NDCG@10 is kept",
    )
    max_items: int = Field(
        20_000,
        ge=1,
        description="Skipped with more items than this: it takes 16 bytes × items², here 6.4 GB",  # noqa: RUF001
    )


baselines = sql_asset("baselines", "train")


@fitted_asset(
    "itemknn_model",
    ItemKnnConfig,
    modules=("ncf_assets.ncf.itemknn", "ncf_assets.ncf.choosing"),
)
def itemknn_model(run: Run, config: ItemKnnConfig) -> Fitted:
    """The most similar other items of each item."""
    from ncf_assets.ncf import choosing, itemknn

    best = choosing.fit_best(
        partial(itemknn.fit, *train_pairs(run.inputs), *run.sizes()),
        [itemknn.ItemKnnSettings(*both) for both in product(config.neighbours, config.shrinkage)],
        *some_validation_lists(run, config),
        run.inputs.rows("items"),
    )
    arrays = {"neighbours": best.model.neighbours, "similarities": best.model.similarities}
    return Fitted(arrays, {**vars(best.settings), "ndcg": best.ndcg})


@fitted_asset("ease_model", EaseConfig, modules=("ncf_assets.ncf.ease", "ncf_assets.ncf.choosing"))
def ease_model(run: Run, config: EaseConfig) -> Fitted:
    """The weight of each item for each other; skipped if there are too many items."""
    from ncf_assets.ncf import choosing, ease

    n_items = run.inputs.rows("items")
    if refusal := ease.refusal(n_items, config.max_items):
        return Fitted(skipped=refusal)
    best = choosing.fit_best(
        partial(ease.fit, *train_pairs(run.inputs), *run.sizes()),
        [ease.EaseSettings(value) for value in config.regularisation],
        *some_validation_lists(run, config),
        n_items,
    )
    return Fitted({"weights": best.model.weights}, {**vars(best.settings), "ndcg": best.ndcg})
