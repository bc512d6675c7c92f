"""Baselines that NeuMF must beat: popularity in SQL, item-to-item models, and a blend of models.

iALS, around which NeuMF is built, is in `train`. Chance needs no fit: see `rank`.
"""

from pydantic import Field

from ncf_assets.assets.train import half_life_field, values_of
from ncf_assets.orchestration.fits import interactions, validation
from ncf_assets.orchestration.fitted_models import Fitted, chosen, fitted_model
from ncf_assets.orchestration.models import ModelConfig
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.scorers import blend_parts
from ncf_assets.orchestration.tables import sql_table


class ItemKnnConfig(ModelConfig):
    """Item-based neighborhoods (Sarwar et al. 2001), by the cosine with shrinkage.

    The lists are ascending values to try, which are searched as for ials_model.
    """

    half_life: list[float] = half_life_field()
    shrinkage: list[float] = Field(
        [10.0, 50.0, 250.0],
        min_length=1,
        description="Values to try: distrust of similarities that few users support",
    )
    neighbors: list[int] = Field(
        [50, 200, 800],
        min_length=1,
        description="Values to try: most similar items that count for an item",
    )


class EaseConfig(ModelConfig):
    """A linear model from items to items in closed form (Steck 2019).

    The lists are ascending values to try, which are searched as for ials_model.
    """

    half_life: list[float] = half_life_field()
    regularization: list[float] = Field(
        [50.0, 100.0, 200.0, 400.0, 1000.0], min_length=1, description="Values to try: ridges"
    )
    max_items: int = Field(
        20_000,
        ge=1,
        description="Skipped with more items than this: it takes 12 bytes × items², here 4.8 GB",  # noqa: RUF001
    )


class BlendConfig(ModelConfig):
    """The sum of iALS and EASE, each user's scores of both brought to the same scale."""

    weight: list[float] = Field(
        [0.1, 0.2, 0.35, 0.5, 0.65, 0.8],
        min_length=1,
        description="Values to try: share of iALS in the sum, 0 to 1",
    )


popularity_scores = sql_table("popularity_scores", "train")


@fitted_model(ItemKnnConfig)
def itemknn_model(run: AssetRun, config: ItemKnnConfig) -> Fitted:
    """Keep the most similar other items of each item."""
    from ncf_assets.ncf.models import itemknn, model_selection

    best = model_selection.select(
        itemknn.fitter(interactions(run.inputs, "choose")),
        itemknn.ItemKnnSettings,
        values_of(config, "half_life", "shrinkage", "neighbors"),
        validation(run.inputs, config.validation_users, config.seed),
    )
    model = itemknn.fit(interactions(run.inputs, config.evaluated_fit), best.settings)
    return chosen(best, {"neighbors": model.neighbors, "similarities": model.similarities})


@fitted_model(EaseConfig)
def ease_model(run: AssetRun, config: EaseConfig) -> Fitted:
    """Solve for the weight of each item for each other; skip where there are too many items."""
    from ncf_assets.ncf.models import ease, model_selection

    if refusal := ease.refusal(run.inputs.rows("items"), config.max_items):
        return Fitted(skipped=refusal)
    best = model_selection.select(
        ease.fitter(interactions(run.inputs, "choose")),
        ease.EaseSettings,
        values_of(config, "half_life", "regularization"),
        validation(run.inputs, config.validation_users, config.seed),
    )
    model = ease.fit(interactions(run.inputs, config.evaluated_fit), best.settings)
    return chosen(best, {"weights": model.weights})


@fitted_model(BlendConfig, reads=["ials_model", "ease_model", "itemknn_model"])
def blend_model(run: AssetRun, config: BlendConfig) -> Fitted:
    """Weigh iALS against EASE, or against ItemKNN where EASE was skipped."""
    from ncf_assets.ncf.models import model_selection
    from ncf_assets.ncf.models.blend import Blend, BlendSettings

    first, second = blend_parts(run.inputs, "choose")
    best = model_selection.select(
        lambda settings: Blend(first.scores, second.scores, settings),
        BlendSettings,
        values_of(config, "weight"),
        validation(run.inputs, config.validation_users, config.seed),
    )
    return chosen(best, {})
