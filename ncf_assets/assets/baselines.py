"""Baselines that NeuMF must beat: popularity in SQL, item-to-item models, and a blend of models.

iALS, around which NeuMF is built, is in `train`. Chance needs no fit: see `rank`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import Field, PositiveInt

from ncf_assets.assets.train import half_life_field, values_of
from ncf_assets.orchestration.fits import interactions, validation
from ncf_assets.orchestration.fitted_models import Fitted, chosen, fitted_model
from ncf_assets.orchestration.models import ModelConfig, NotNegative, Positive, Share
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.scorers import blend_parts
from ncf_assets.orchestration.tables import sql_table

neighbors_field = partial(
    Field,
    [10, 25, 50, 100, 200, 400, 800],
    min_length=1,
    description="Values to try: most similar items that count for an item",
)


class ItemKnnConfig(ModelConfig):
    """Item-based neighborhoods (Sarwar et al. 2001), by the cosine with shrinkage.

    The lists are ascending values to try, which are searched as for ials_model.
    """

    half_life: list[NotNegative] = half_life_field(0.5)
    shrinkage: list[NotNegative] = Field(
        [10.0, 50.0, 250.0, 1000.0, 4000.0],
        min_length=1,
        description="Values to try: distrust of similarities that few users support",
    )
    neighbors: list[PositiveInt] = neighbors_field()


class Bm25Config(ModelConfig):
    """Item-based neighborhoods by vectors of users that BM25 weighs (Robertson and Zaragoza 2009).

    The lists are ascending values to try, which are searched as for ials_model.
    """

    half_life: list[NotNegative] = half_life_field(0.5)
    b: list[Share] = Field(
        [0.0, 0.1, 0.2, 0.35, 0.5, 0.8],
        min_length=1,
        description="Values to try: how much less an item counts for the users it has",
    )
    k1: list[NotNegative] = Field(
        [0.5, 1.2, 3.0, 8.0, 20.0, 50.0],
        min_length=1,
        description="Values to try: how slowly repeated weight saturates; large ones let b matter",
    )
    neighbors: list[PositiveInt] = neighbors_field()


class Rp3BetaConfig(ModelConfig):
    """A random walk of three steps from the user to items (Paudel et al. 2017).

    The lists are ascending values to try, which are searched as for ials_model.
    """

    half_life: list[NotNegative] = half_life_field(0.5)
    alpha: list[NotNegative] = Field(
        [0.0, 0.1, 0.2, 0.4, 0.6, 1.0],
        min_length=1,
        description="Values to try: power of a step's chance; less favors what many steps lead to",
    )
    beta: list[NotNegative] = Field(
        [0.0, 0.1, 0.2, 0.3, 0.5, 0.8],
        min_length=1,
        description="Values to try: power of an item's number of users that divides its score",
    )
    neighbors: list[PositiveInt] = neighbors_field()


class EaseConfig(ModelConfig):
    """A linear model from items to items in closed form (Steck 2019).

    With more than `max_items`, an item has weights of its most similar others alone. The lists are
    ascending values to try, which are searched as for ials_model.
    """

    half_life: list[NotNegative] = half_life_field(0.5)
    regularization: list[Positive] = Field(
        [50.0, 100.0, 200.0, 400.0, 1000.0, 2500.0, 5000.0],
        min_length=1,
        description="Values to try: ridges",
    )
    max_items: int = Field(
        20_000,
        ge=1,
        description="Weights of all items for all up to this many items; they take 12 bytes ×"  # noqa: RUF001
        " items², here 4.8 GB",
    )
    neighbors: int = Field(
        100, ge=1, description="Others that have weights for an item where there are more items"
    )


class SlistConfig(ModelConfig):
    """EASE plus a regression from a user's items to the next one (SLIST, Choi et al. 2021).

    It is a yardstick of what the order of events adds. The lists are ascending values to try, which
    are searched as for ials_model.
    """

    half_life: list[NotNegative] = half_life_field(0.5)
    order: list[Share] = Field(
        [0.0, 0.25, 0.5, 0.75, 1.0],
        min_length=1,
        description="Values to try: share of the next items in what is predicted",
    )
    regularization: list[Positive] = Field(
        [12.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0],
        min_length=1,
        description="Values to try: ridges",
    )
    neighbors: int = Field(100, ge=1, description="Most similar items that an item is predicted by")


class BlendConfig(ModelConfig):
    """The sum of iALS and EASE, each user's scores of both brought to the same scale."""

    weight: list[Share] = Field(
        [0.1, 0.2, 0.35, 0.5, 0.65, 0.8],
        min_length=1,
        description="Values to try: share of iALS in the sum",
    )


popularity_scores = sql_table("popularity_scores", "train")


@fitted_model(ItemKnnConfig)
def itemknn_model(run: AssetRun, config: ItemKnnConfig) -> Fitted:
    """Keep the most similar other items of each item, by the cosine."""
    from ncf_assets.ncf.models import neighborhoods

    values = values_of(config, "half_life", "shrinkage", "neighbors")
    return _choose_and_fit(run, config, neighborhoods, neighborhoods.ItemKnnSettings, values)


@fitted_model(Bm25Config)
def bm25_model(run: AssetRun, config: Bm25Config) -> Fitted:
    """Keep the most similar other items of each item, by vectors that BM25 weighs."""
    from ncf_assets.ncf.models import neighborhoods

    values = values_of(config, "half_life", "b", "k1", "neighbors")
    return _choose_and_fit(run, config, neighborhoods, neighborhoods.Bm25Settings, values)


@fitted_model(Rp3BetaConfig)
def rp3beta_model(run: AssetRun, config: Rp3BetaConfig) -> Fitted:
    """Keep the items from which random walks come to each item most often."""
    from ncf_assets.ncf.models import neighborhoods

    values = values_of(config, "half_life", "alpha", "beta", "neighbors")
    return _choose_and_fit(run, config, neighborhoods, neighborhoods.Rp3BetaSettings, values)


def _choose_and_fit(
    run: AssetRun,
    config: ModelConfig,
    module: Any,
    make: Callable[..., Any],
    values: Mapping[str, Sequence[Any]],
) -> Fitted:
    """Choose the settings of a module's model one after another, and fit it again with them."""
    from ncf_assets.ncf.models import model_selection

    best = model_selection.select(
        module.fitter(interactions(run.inputs, "choose")),
        make,
        values,
        validation(run.inputs, config.validation_users, config.seed),
    )
    model = module.fit(interactions(run.inputs, config.evaluated_fit), best.settings)
    return chosen(best, model.arrays)


@fitted_model(EaseConfig)
def ease_model(run: AssetRun, config: EaseConfig) -> Fitted:
    """Solve for the weight of each item for each other, or for the most similar ones."""
    from ncf_assets.ncf.models import ease

    neighbors = config.neighbors if run.inputs.rows("items") > config.max_items else 0
    values = values_of(config, "half_life", "regularization") | {"neighbors": [neighbors]}
    return _choose_and_fit(run, config, ease, ease.EaseSettings, values)


@fitted_model(SlistConfig)
def slist_model(run: AssetRun, config: SlistConfig) -> Fitted:
    """Solve for the weight of each item for the next one, and for the others of a user."""
    from ncf_assets.ncf.models import slist

    values = values_of(config, "half_life", "order", "regularization")
    values |= {"neighbors": [config.neighbors]}
    return _choose_and_fit(run, config, slist, slist.SlistSettings, values)


@fitted_model(BlendConfig, reads=["ials_model", "ease_model"])
def blend_model(run: AssetRun, config: BlendConfig) -> Fitted:
    """Weigh iALS against EASE."""
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
