"""Baselines that NeuMF must beat: popularity in SQL, and item-to-item models fitted in one go.

iALS, from which GMF starts, is in `train`. Random scores take no fitting: see
`orchestration.scorers`.
"""

from functools import partial
from itertools import product

from pydantic import Field

from ncf_assets.orchestration.models import (
    FitConfig,
    Fitted,
    fitted_model,
    sample_validation_candidates,
)
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import sql_table
from ncf_assets.orchestration.training_inputs import train_interactions


class ItemKnnConfig(FitConfig):
    """Item-based neighborhoods (Sarwar et al. 2001), by the cosine with shrinkage."""

    neighbors: list[int] = Field(
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

    regularization: list[float] = Field(
        [100.0, 300.0, 1000.0],
        min_length=1,
        description="Ridges to try; the one with the best validation NDCG@10 is kept",
    )
    max_items: int = Field(
        20_000,
        ge=1,
        description="Skipped with more items than this: it takes 16 bytes × items², here 6.4 GB",  # noqa: RUF001
    )


popularity_scores = sql_table("popularity_scores", "train")


@fitted_model(ItemKnnConfig)
def itemknn_model(run: AssetRun, config: ItemKnnConfig) -> Fitted:
    """Keep the most similar other items of each item."""
    from ncf_assets.ncf.models import itemknn, model_selection

    best = model_selection.fit_best(
        partial(itemknn.fit, *train_interactions(run.inputs), *run.sizes()),
        [itemknn.ItemKnnSettings(*both) for both in product(config.neighbors, config.shrinkage)],
        *sample_validation_candidates(run, config),
        run.inputs.rows("items"),
    )
    arrays = {"neighbors": best.model.neighbors, "similarities": best.model.similarities}
    return Fitted(arrays, {**vars(best.settings), "ndcg": best.ndcg})


@fitted_model(EaseConfig)
def ease_model(run: AssetRun, config: EaseConfig) -> Fitted:
    """Solve for the weight of each item for each other; skip where there are too many items."""
    from ncf_assets.ncf.models import ease, model_selection

    n_items = run.inputs.rows("items")
    if refusal := ease.refusal(n_items, config.max_items):
        return Fitted(skipped=refusal)
    best = model_selection.fit_best(
        partial(ease.fit, *train_interactions(run.inputs), *run.sizes()),
        [ease.EaseSettings(value) for value in config.regularization],
        *sample_validation_candidates(run, config),
        n_items,
    )
    return Fitted({"weights": best.model.weights}, {**vars(best.settings), "ndcg": best.ndcg})
