"""Define what is fitted to MovieLens-1M, and how, for `benchmarks.ml1m`.

The settings are the assets' defaults; NeuMF from random weights is trained by `SCRATCH`. The files
of the paper have no times, so nothing is weighed by recency.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import keras

from benchmarks.defaults import configuration
from ncf_assets.assets.baselines import BlendConfig, EaseConfig, ItemKnnConfig
from ncf_assets.assets.train import IalsConfig, MlpConfig, NeumfConfig, PaperConfig, values_of
from ncf_assets.ncf.evaluation.validation import Validation
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ease, ials, model_selection, neighborhoods, neumf
from ncf_assets.ncf.models.blend import Blend, BlendSettings
from ncf_assets.ncf.models.ease import Ease
from ncf_assets.ncf.training.epoch import Pointwise
from ncf_assets.ncf.training.epochs import best_epoch, describe
from ncf_assets.ncf.training.loop import Objective, TrainingState, train
from ncf_assets.ncf.training.next_item import NextItem
from ncf_assets.ncf.training.training_data import InMemory

SCRATCH = configuration(
    PaperConfig,
    epochs=24,
    batch_size=26_624,  # 2,048 positives
    learning_rate=0.006,
    negatives_per_positive=12,
    l2=0.002,
    ema_decay=0.8,
)


class Fitting:
    """Fits models to one dataset, and remembers the settings that were chosen on validation.

    `chosen` has earlier choices by the name of the model, which are used instead of new ones.
    """

    def __init__(
        self,
        known: Interactions,
        validation: Validation,
        seed: int,
        chosen: Mapping[str, Any] | None,
    ) -> None:
        self.known, self.validation, self.seed = known, validation, seed
        self.chosen = dict(chosen or {})

    def fit(
        self,
        name: str,
        fit: Callable[[Any], Any],
        make: Callable[..., Any],
        values: Mapping[str, Sequence[Any]],
    ) -> Any:
        """Return the model whose settings are best on validation."""
        if name not in self.chosen:
            best = model_selection.select(fit, make, values, self.validation)
            self.chosen[name] = best.settings
        return fit(self.chosen[name])

    def train(
        self, name: str, model: keras.Model, objective: Objective, epochs: int, patience: int
    ) -> keras.Model:
        """Train a network for the number of epochs that is best on validation."""
        epochs = int(self.chosen.get(name, epochs))

        def show(progress: TrainingState) -> None:
            print(f"  {name} {describe(progress.history, epochs)}", flush=True)

        history = train(model, objective, self.validation, epochs, patience, show)
        self.chosen[name] = best_epoch(history).epoch
        return model


def scratch8(fitting: Fitting) -> dict[str, keras.Model]:
    """Train NeuMF of 8 factors from random weights."""
    known, layers = fitting.known, configuration(MlpConfig).layers
    model = neumf.build_neumf(known.n_users, known.n_items, 8, layers, fitting.seed)
    pairs = InMemory(known.users, known.items, known.n_users, known.n_items)
    # the learning rate falls to 0 at the epoch that was chosen
    epochs = int(fitting.chosen.get("scratch8", SCRATCH.epochs))
    settings = replace(SCRATCH.settings(), seed=fitting.seed, epochs=epochs)
    objective = Pointwise(pairs, known.n_items, settings)
    trained = fitting.train("scratch8", model, objective, epochs, SCRATCH.patience)
    return {"NeuMF of 8 factors from scratch": trained}


def best(fitting: Fitting) -> dict[str, Any]:
    """Fit the assets' default models: a factorization, its sum with EASE, and NeuMF around it."""
    known, seed = fitting.known, fitting.seed
    config, network = configuration(IalsConfig), configuration(NeumfConfig)
    factors = fitting.fit(
        "ials",
        partial(ials.fit, known),
        partial(ials.IalsSettings, config.factors, config.iterations, half_life=0.0, seed=seed),
        values_of(config, "regularization", "unobserved_ratio"),
    )
    other = ease_model(fitting)
    blend = fitting.fit(
        "blend",
        partial(Blend, factors.scores, other.scores),
        BlendSettings,
        values_of(configuration(BlendConfig), "weight"),
    )
    settings = replace(network.settings(), seed=seed)
    objective = NextItem(known, factors, network.factors, settings)
    columns = NextItem.columns(factors, network.factors)
    model = neumf.build_neumf(known.n_users, known.n_items, columns, network.layers, seed)
    trained = fitting.train("neumf", model, objective, network.epochs, network.patience)
    return {"iALS": factors, "blend": blend, "NeuMF, the default": trained}


def ease_model(fitting: Fitting) -> Ease:
    """Fit EASE."""
    return fitting.fit(
        "ease",
        ease.fitter(fitting.known),
        partial(ease.EaseSettings, half_life=0.0),
        values_of(configuration(EaseConfig), "regularization"),
    )


def baselines(fitting: Fitting) -> dict[str, Any]:
    """Fit the item-to-item models, in closed form."""
    knn = fitting.fit(
        "itemknn",
        neighborhoods.fitter(fitting.known),
        partial(neighborhoods.ItemKnnSettings, half_life=0.0),
        values_of(configuration(ItemKnnConfig), "shrinkage", "neighbors"),
    )
    return {"ItemKNN": knn, "EASE": ease_model(fitting)}
