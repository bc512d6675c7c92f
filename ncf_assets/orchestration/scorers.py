"""The models that are ranked, and how each one's files become a block scorer.

Everything that is ranked goes through here. What a block scorer is, is defined in
`ncf_assets.ncf.evaluation.ranking`. A fitted model can also be had in another fit than that of its
file: it is then fitted again, with the settings that were chosen.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.ranking import BlockScorer
from ncf_assets.orchestration.fits import Fit, interactions
from ncf_assets.orchestration.inputs import Inputs


def ials(inputs: Inputs, fit: Fit) -> Any:
    """Return the factorization of a fit."""
    from ncf_assets.ncf.models.ials import Factors, IalsSettings
    from ncf_assets.orchestration.factorization import fitter

    record = inputs.record("ials_model")
    if record["fit"] != fit:
        settings = IalsSettings(**record["settings"])
        fitted_by = record["configuration"].get("fitted_by", "numpy")  # which had no choice once
        # each trial of a search for NeuMF's settings begins with it
        return inputs.once(f"ials, {fit}", lambda: fitter(inputs, fit, fitted_by)(settings))
    found = _arrays(inputs, "ials_model")
    return Factors(found["users"], found["items"])


def ease(inputs: Inputs, fit: Fit) -> Any:
    """Return the EASE of a fit."""
    from ncf_assets.ncf.models.ease import Ease, EaseSettings
    from ncf_assets.ncf.models.ease import fit as fit_ease
    from ncf_assets.ncf.models.neighborhoods import Neighborhoods

    record = inputs.record("ease_model")
    known, settings = interactions(inputs, fit), EaseSettings(**record["settings"])
    if record["fit"] != fit:
        return fit_ease(known, settings)
    history, arrays = known.matrix(settings.half_life), _arrays(inputs, "ease_model")
    return Neighborhoods(history, **arrays) if settings.neighbors else Ease(history, **arrays)


def itemknn(inputs: Inputs, fit: Fit) -> Any:
    """Return the ItemKNN of a fit."""
    from ncf_assets.ncf.models import neighborhoods

    return _neighborhoods(
        inputs, fit, "itemknn_model", neighborhoods.ItemKnnSettings, neighborhoods
    )


def bm25(inputs: Inputs, fit: Fit) -> Any:
    """Return the neighborhoods by BM25 of a fit."""
    from ncf_assets.ncf.models import neighborhoods

    return _neighborhoods(inputs, fit, "bm25_model", neighborhoods.Bm25Settings, neighborhoods)


def rp3beta(inputs: Inputs, fit: Fit) -> Any:
    """Return the RP3beta of a fit."""
    from ncf_assets.ncf.models import neighborhoods

    return _neighborhoods(
        inputs, fit, "rp3beta_model", neighborhoods.Rp3BetaSettings, neighborhoods
    )


def slist(inputs: Inputs, fit: Fit) -> Any:
    """Return the SLIST of a fit."""
    from ncf_assets.ncf.models import slist

    return _neighborhoods(inputs, fit, "slist_model", slist.SlistSettings, slist)


def _neighborhoods(
    inputs: Inputs, fit: Fit, asset: str, make: Callable[..., Any], module: Any
) -> Any:
    """Return the neighborhoods of a fit, from the asset's file if it has that fit."""
    from ncf_assets.ncf.models.neighborhoods import Neighborhoods

    record = inputs.record(asset)
    known, settings = interactions(inputs, fit), make(**record["settings"])
    if record["fit"] != fit:
        return module.fit(known, settings)
    return Neighborhoods(known.matrix(settings.half_life), **_arrays(inputs, asset))


def blend_parts(inputs: Inputs, fit: Fit) -> tuple[Any, Any]:
    """Return what a blend adds up: iALS and EASE."""
    return ials(inputs, fit), ease(inputs, fit)


def item_to_item(inputs: Inputs, fit: Fit) -> tuple[str, Any]:
    """Return the name and the fit of EASE or ItemKNN, whichever did better on validation.

    Of equals it is ItemKNN, which is fitted sooner.
    """
    models = {"itemknn": itemknn, "ease": ease}
    records = {name: inputs.record(f"{name}_model") for name in models}
    best = max(models, key=lambda name: records[name]["validation_ndcg_at_10"] or 0)
    return best, models[best](inputs, fit)


def _fitted(asset: str, model: Callable[[Inputs, Fit], Any]) -> Callable[[Inputs], BlockScorer]:
    """Return a scorer by the evaluated fit of a model."""

    def load(inputs: Inputs) -> BlockScorer:
        scores: BlockScorer = model(inputs, inputs.record(asset)["fit"]).scores
        return scores

    return load


def _blend(inputs: Inputs) -> BlockScorer:
    """Return a scorer by the weighted sum of two models' scores."""
    from ncf_assets.ncf.models.blend import Blend, BlendSettings

    record = inputs.record("blend_model")
    first, second = blend_parts(inputs, record["fit"])
    return Blend(first.scores, second.scores, BlendSettings(**record["settings"])).scores


def _popularity(inputs: Inputs) -> BlockScorer:
    """Return a scorer by the number of interactions of each item, the same for all users."""
    scores = (
        inputs.read("popularity_scores").query("model == 'popularity'").sort_values("item")["score"]
    )
    return ranking.same_for_all(scores.to_numpy())


def _network(name: str) -> Callable[[Inputs], BlockScorer]:
    """Return a scorer by the logits of a trained network."""

    def load(inputs: Inputs) -> BlockScorer:
        from ncf_assets.ncf.evaluation import neumf_scorer
        from ncf_assets.ncf.models import neumf

        return neumf_scorer.block_scorer(neumf.load(inputs.model_file(f"{name}_model")))

    return load


def _arrays(inputs: Inputs, asset: str) -> dict[str, np.ndarray]:
    """Return the arrays in the file of a fitted model."""
    with np.load(inputs.model_file(asset), allow_pickle=False) as file:
        return dict(file)


# by the models' names in the tables, in alphabetical order; each is loaded when its turn comes
SCORERS: dict[str, Callable[[Inputs], BlockScorer]] = {
    "blend": _blend,
    "bm25": _fitted("bm25_model", bm25),
    "ease": _fitted("ease_model", ease),
    "gmf": _network("gmf"),
    "ials": _fitted("ials_model", ials),
    "itemknn": _fitted("itemknn_model", itemknn),
    "mlp": _network("mlp"),
    "neumf": _network("neumf"),
    "neumf_scratch": _network("neumf_scratch"),
    "popularity": _popularity,
    "rp3beta": _fitted("rp3beta_model", rp3beta),
    "slist": _fitted("slist_model", slist),
}
SCORED_ASSETS = (
    *(f"{name}_model" for name in SCORERS if name != "popularity"),
    "popularity_scores",
    "train",
    "validation",
)
