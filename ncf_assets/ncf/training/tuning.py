"""Search for training settings with Optuna: try settings, stop poor trials early, and record all.

A killed search goes on where it was, as its trials are in a SQLite file. The caller trains the
network of a trial.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ncf_assets.ncf.training.epochs import Epoch, best_epoch

optuna.logging.set_verbosity(optuna.logging.WARNING)  # the caller reports the trials
# chosen: each training gets two epochs, and there are a few others to compare it with
WARM_UP_EPOCHS, WARM_UP_TRIALS = 2, 3


@dataclass(frozen=True)
class Settings:
    """The settings of one trial, as in the configuration of NeuMF."""

    learning_rate: float
    factors: int
    negatives: int
    ema_decay: float


@dataclass(frozen=True)
class Space:
    """The settings to try: ranges (low, high), by orders of magnitude, and lists of values."""

    learning_rate: tuple[float, float]
    factors: tuple[int, ...]
    negatives: tuple[int, ...]
    ema_decay: tuple[float, ...]

    def suggest(self, trial: optuna.Trial) -> Settings:
        """Return the settings of a trial."""
        return Settings(
            trial.suggest_float("learning_rate", *self.learning_rate, log=True),
            trial.suggest_categorical("factors", self.factors),
            trial.suggest_categorical("negatives", self.negatives),
            trial.suggest_categorical("ema_decay", self.ema_decay),
        )

    def within(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the settings that the space has."""
        lowest, highest = self.learning_rate
        return {
            name: value
            for name, value in settings.items()
            if (
                lowest <= value <= highest
                if name == "learning_rate"
                else value in getattr(self, name)
            )
        }


# trains with settings, calls back after each epoch, returns all epochs
Train = Callable[[Settings, Callable[[Epoch], None]], Sequence[Epoch]]
OnTrial = Callable[[FrozenTrial, int], None]  # (trial, number of trials that have ended)
ENDED = [TrialState.COMPLETE, TrialState.PRUNED]


@dataclass(frozen=True)
class Search:
    """One search: its space, the settings that it begins with, its seed, and its SQLite file.

    It begins with those of `start` that the space has; Optuna draws the others. `name`
    distinguishes it from others in the same file.
    """

    space: Space
    start: Mapping[str, Any]
    seed: int
    name: str
    file: Path

    def run(self, train: Train, n_trials: int, on_trial: OnTrial) -> list[FrozenTrial]:
        """Try settings until n_trials have ended, earlier ones included, and return all trials.

        Trials are compared by validation NDCG@10; one below the median of the others at the same
        epoch is pruned (Optuna's MedianPruner).
        """
        if not n_trials and not self.file.exists():
            return []  # there was no search, and none is wanted
        study = self._study()
        for killed in study.get_trials(states=[TrialState.RUNNING]):
            study.tell(killed.number, state=TrialState.FAIL)
        if not study.trials:
            study.enqueue_trial(self.space.within(self.start))
        ended = study.get_trials(states=ENDED)
        study.optimize(
            lambda trial: _reached(trial, train, self.space.suggest(trial)),
            n_trials=max(0, n_trials - len(ended)),
            callbacks=[lambda study, trial: on_trial(trial, len(study.get_trials(states=ENDED)))],
        )
        return study.get_trials()

    def _study(self) -> optuna.Study:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=f"sqlite:///{self.file}",
            study_name=self.name,
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(WARM_UP_TRIALS, WARM_UP_EPOCHS),
        )
        # a search that goes on must not draw again what it drew before
        study.sampler = optuna.samplers.TPESampler(seed=self.seed + len(study.trials))
        return study


def _reached(trial: optuna.Trial, train: Train, settings: Settings) -> float:
    """Return validation NDCG@10 of a training's best epoch. Raise TrialPruned for a poor one.

    Epoch 0, before training, is the same for many settings and says nothing about them.
    """

    def on_epoch(epoch: Epoch) -> None:
        if not epoch.epoch:
            return
        trial.report(epoch.validation_ndcg_at_10 or 0.0, epoch.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    best = best_epoch(train(settings, on_epoch)[1:])
    trial.set_user_attr("validation_hr_at_10", best.validation_hr_at_10)
    trial.set_user_attr("epoch", best.epoch)
    return best.validation_ndcg_at_10 or 0.0
