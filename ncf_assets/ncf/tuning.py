"""The search for training settings by Optuna: what is tried, what is given up early, what is best.

A search goes on where it was killed: its trials lie in a SQLite file. What a trial trains is the
caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from ncf_assets.ncf.history import Epoch, best_epoch

optuna.logging.set_verbosity(optuna.logging.WARNING)  # the caller says how trials end
# ours: each training has a chance for two epochs, and there are some to compare it with
WARM_UP_EPOCHS, WARM_UP_TRIALS = 2, 3


@dataclass(frozen=True)
class Settings:
    """What one trial trains with, as in TrainingSettings."""

    learning_rate: float
    l2: float
    negatives_per_positive: int
    averaging: float


@dataclass(frozen=True)
class Space:
    """What is tried: ranges (low, high), by orders of magnitude, and lists of values."""

    learning_rate: tuple[float, float]
    l2: tuple[float, float]
    negatives_per_positive: tuple[int, ...]
    averaging: tuple[float, ...]

    def suggest(self, trial: optuna.Trial) -> Settings:
        """The settings of a trial."""
        return Settings(
            trial.suggest_float("learning_rate", *self.learning_rate, log=True),
            trial.suggest_float("l2", *self.l2, log=True),
            trial.suggest_categorical("negatives_per_positive", self.negatives_per_positive),
            trial.suggest_categorical("averaging", self.averaging),
        )


# trains with settings; calls back after each epoch; gives all epochs
Train = Callable[[Settings, Callable[[Epoch], None]], Sequence[Epoch]]
OnTrial = Callable[[FrozenTrial], None]


@dataclass(frozen=True)
class Search:
    """One search: its space, its seed, the settings that it begins with, and where it is kept.

    `name` tells it from others in the same SQLite file.
    """

    space: Space
    start: Settings
    seed: int
    name: str
    file: Path

    def run(self, train: Train, n_trials: int, on_trial: OnTrial) -> list[FrozenTrial]:
        """Try settings until there are n_trials that ended, earlier ones included; all trials.

        Trials are compared by validation NDCG@10; one that is below the median of the others at the
        same epoch is given up (Optuna's MedianPruner).
        """
        if not n_trials and not self.file.exists():
            return []  # nobody has searched, and nobody asks for it
        study = self._study()
        for killed in study.get_trials(states=[TrialState.RUNNING]):
            study.tell(killed.number, state=TrialState.FAIL)
        if not study.trials:
            study.enqueue_trial(asdict(self.start))
        ended = study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])
        study.optimize(
            lambda trial: _reached(trial, train, self.space.suggest(trial)),
            n_trials=max(0, n_trials - len(ended)),
            callbacks=[lambda _, trial: on_trial(trial)],
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
    """Validation NDCG@10 of a training's best epoch; raises TrialPruned for a hopeless one."""

    def on_epoch(epoch: Epoch) -> None:
        trial.report(epoch.validation_ndcg_at_10 or 0.0, epoch.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    best = best_epoch(train(settings, on_epoch))
    trial.set_user_attr("validation_hr_at_10", best.validation_hr_at_10)
    trial.set_user_attr("epoch", best.epoch)
    return best.validation_ndcg_at_10 or 0.0
