"""What is fitted to MovieLens-1M, and how: the assets' defaults, but from scratch `SCRATCH`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import keras

from benchmarks.defaults import configuration
from benchmarks.movielens import N_ITEMS, N_USERS
from ncf_assets.assets.baselines import EaseConfig, ItemKnnConfig
from ncf_assets.assets.train import GmfConfig, IalsConfig, MlpConfig, NeumfConfig
from ncf_assets.assets.training_config import TrainingConfig
from ncf_assets.ncf import choosing, ease, ials, itemknn, neumf, warm_start
from ncf_assets.ncf.examples import Examples
from ncf_assets.ncf.history import best_epoch, describe
from ncf_assets.ncf.training import Progress, train

# from 8 random factors, another recipe does best on validation than from a warm start
SCRATCH = configuration(
    TrainingConfig,
    epochs=24,
    batch_size=26_624,  # 2,048 positives
    learning_rate=0.006,
    negatives_per_positive=12,
    l2=0.002,
    averaging=0.8,
)


class Fitting:
    """Fits models to one set of examples, and remembers what was chosen on validation.

    With `chosen`, by the name of what is chosen, that is taken in place of choosing anew.
    """

    def __init__(self, examples: Examples, seed: int, chosen: dict[str, Any] | None) -> None:
        self.examples = examples
        self.seed = seed
        self.chosen = dict(chosen or {})

    def fit(self, name: str, fit: Callable[..., Any], choices: Sequence[Any]) -> Any:
        """The model of those settings that are best on validation."""
        e = self.examples
        best = choosing.fit_best(
            partial(fit, e.users, e.items, N_USERS, N_ITEMS),
            [self.chosen[name]] if name in self.chosen else choices,
            e.validation_users,
            e.validation_candidates,
            N_ITEMS,
        )
        self.chosen[name] = best.settings
        return best.model

    def train(self, name: str, model: keras.Model, config: TrainingConfig) -> keras.Model:
        """Train a network for the number of epochs that is best on validation."""
        epochs = int(self.chosen.get(name, config.epochs))
        settings = replace(config.settings(), epochs=epochs, seed=self.seed)

        def show(progress: Progress) -> None:
            print(f"  {name} {describe(progress.history, epochs)}", flush=True)

        history = train(model, self.examples, settings, show)
        self.chosen[name] = best_epoch(history).epoch
        return model


def scratch8(fitting: Fitting) -> dict[str, keras.Model]:
    """NeuMF of 8 factors from random weights."""
    model = neumf.build_neumf(N_USERS, N_ITEMS, 8, configuration(MlpConfig).layers, fitting.seed)
    return {"NeuMF of 8 factors from scratch": fitting.train("scratch8", model, SCRATCH)}


def best(fitting: Fitting) -> dict[str, Any]:
    """What the assets make by default: a factorisation, GMF from it, NeuMF from GMF."""
    config, seed = configuration(IalsConfig), fitting.seed
    factors = fitting.fit(
        "ials",
        ials.fit,
        [
            ials.IalsSettings(
                config.factors, config.sweeps, config.unobserved_ratio, regularisation, seed
            )
            for regularisation in config.regularisation
        ],
    )
    gmf = neumf.build_gmf(N_USERS, N_ITEMS, config.factors, seed)
    warm_start.from_factors(gmf, factors)
    fitting.train("gmf", gmf, configuration(GmfConfig))
    tower = configuration(MlpConfig).layers
    model = neumf.build_neumf(N_USERS, N_ITEMS, config.factors, tower, seed)
    warm_start.from_gmf(model, gmf)
    fitting.train("neumf", model, configuration(NeumfConfig))
    return {"iALS": factors, "GMF": gmf, "NeuMF, best configuration": model}


def baselines(fitting: Fitting) -> dict[str, Any]:
    """Models of items and items, in closed form."""
    knn, closed = configuration(ItemKnnConfig), configuration(EaseConfig)
    pairs = product(knn.neighbours, knn.shrinkage)
    choices = [itemknn.ItemKnnSettings(*pair) for pair in pairs]
    ridges = [ease.EaseSettings(ridge) for ridge in closed.regularisation]
    return {
        "ItemKNN": fitting.fit("itemknn", itemknn.fit, choices),
        "EASE": fitting.fit("ease", ease.fit, ridges),
    }
