"""Define what is fitted to MovieLens-1M, and how, for `benchmarks.ml1m`.

The settings are the assets' defaults; NeuMF from random weights is trained by `SCRATCH`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import keras

from benchmarks.defaults import configuration
from benchmarks.movielens import N_ITEMS, N_USERS
from ncf_assets.assets.baselines import EaseConfig, ItemKnnConfig
from ncf_assets.assets.train import GmfConfig, IalsConfig, MlpConfig, NeumfConfig, TrainingConfig
from ncf_assets.ncf.models import ease, ials, itemknn, model_selection, neumf, pretraining
from ncf_assets.ncf.training.epochs import best_epoch, describe
from ncf_assets.ncf.training.loop import TrainingState, train
from ncf_assets.ncf.training.training_data import TrainingData

# from 8 random factors, other settings do best on validation than from pretrained weights
SCRATCH = configuration(
    TrainingConfig,
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

    def __init__(self, data: TrainingData, seed: int, chosen: dict[str, Any] | None) -> None:
        self.data = data
        self.seed = seed
        self.chosen = dict(chosen or {})

    def fit(self, name: str, fit: Callable[..., Any], choices: Sequence[Any]) -> Any:
        """Return the model whose settings are best on validation."""
        data = self.data
        best = model_selection.fit_best(
            partial(fit, data.users, data.items, N_USERS, N_ITEMS),
            [self.chosen[name]] if name in self.chosen else choices,
            data.validation_users,
            data.validation_candidates,
            N_ITEMS,
        )
        self.chosen[name] = best.settings
        return best.model

    def train(self, name: str, model: keras.Model, config: TrainingConfig) -> keras.Model:
        """Train a network for the number of epochs that is best on validation."""
        epochs = int(self.chosen.get(name, config.epochs))
        settings = replace(config.settings(), epochs=epochs, seed=self.seed)

        def show(progress: TrainingState) -> None:
            print(f"  {name} {describe(progress.history, epochs)}", flush=True)

        history = train(model, self.data, settings, show)
        self.chosen[name] = best_epoch(history).epoch
        return model


def scratch8(fitting: Fitting) -> dict[str, keras.Model]:
    """Train NeuMF of 8 factors from random weights."""
    model = neumf.build_neumf(N_USERS, N_ITEMS, 8, configuration(MlpConfig).layers, fitting.seed)
    return {"NeuMF of 8 factors from scratch": fitting.train("scratch8", model, SCRATCH)}


def best(fitting: Fitting) -> dict[str, Any]:
    """Fit the assets' default models: a factorization, GMF from it, and NeuMF from GMF."""
    config, seed = configuration(IalsConfig), fitting.seed
    factors = fitting.fit(
        "ials",
        ials.fit,
        [
            ials.IalsSettings(
                config.factors, config.iterations, config.unobserved_ratio, regularization, seed
            )
            for regularization in config.regularization
        ],
    )
    gmf = neumf.build_gmf(N_USERS, N_ITEMS, config.factors, seed)
    pretraining.from_factors(gmf, factors)
    fitting.train("gmf", gmf, configuration(GmfConfig))
    tower = configuration(MlpConfig).layers
    model = neumf.build_neumf(N_USERS, N_ITEMS, config.factors, tower, seed)
    pretraining.from_gmf(model, gmf)
    fitting.train("neumf", model, configuration(NeumfConfig))
    return {"iALS": factors, "GMF": gmf, "NeuMF, best configuration": model}


def baselines(fitting: Fitting) -> dict[str, Any]:
    """Fit the item-to-item models, in closed form."""
    knn, closed = configuration(ItemKnnConfig), configuration(EaseConfig)
    pairs = product(knn.neighbors, knn.shrinkage)
    choices = [itemknn.ItemKnnSettings(*pair) for pair in pairs]
    ridges = [ease.EaseSettings(ridge) for ridge in closed.regularization]
    return {
        "ItemKNN": fitting.fit("itemknn", itemknn.fit, choices),
        "EASE": fitting.fit("ease", ease.fit, ridges),
    }
