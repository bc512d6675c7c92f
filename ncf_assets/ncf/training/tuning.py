"""Search for settings with Optuna: try settings, stop poor trials early, and record all.

A killed search goes on where it was, as its trials are in a SQLite file. The caller fits the model
of a trial. `models.model_selection` is the search that fits of every run make by themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)  # the caller reports the trials
# chosen: each training gets two epochs, and there are a few others to compare it with
WARM_UP_EPOCHS, WARM_UP_TRIALS = 2, 3
DRAWS = 10  # chosen: draws at most for each setting that has not been tried
MODEL, DATA = "model", "data"  # the attributes of a study

Space = Mapping[str, Sequence[Any]]  # values to try of each setting
Settings = Mapping[str, Any]  # one value of each


@dataclass(frozen=True)
class Tried:
    """What a trial has reached on validation; hit ratio and epoch are those of a network."""

    validation_ndcg_at_10: float
    validation_hr_at_10: float | None = None
    epoch: int | None = None


OnEpoch = Callable[[int, float], None]  # (number of an epoch, its NDCG@10)
Fit = Callable[[Settings, OnEpoch], Tried]  # calls back after each epoch, if there are any
OnTrial = Callable[[FrozenTrial, int], None]  # (trial, number of settings that have been tried)


@dataclass(frozen=True)
class Search:
    """One search: its space, the settings that it begins with, its seed, and its SQLite file.

    It begins with those of `start` that the space has; Optuna draws the others. Searches for
    another model, on other data or in another space are apart; `data` names the data.
    """

    model: str
    space: Space
    start: Settings
    seed: int
    data: str
    file: Path

    def run(self, fit: Fit, n_trials: int, on_trial: OnTrial) -> None:
        """Try n_trials different settings, earlier ones included, or all that the space has.

        What is drawn again is not fitted again; after DRAWS draws for each setting that is asked
        for, the search ends without the last ones. Trials are compared by validation NDCG@10; one
        below the median of the others at the same epoch is pruned (Optuna's MedianPruner).
        """
        study = self._study()
        for killed in study.get_trials(states=[TrialState.RUNNING]):
            study.tell(killed.number, state=TrialState.FAIL)
        start = {k: v for k, v in self.start.items() if v in self.space[k]}
        begun = any(start.items() <= trial.params.items() for trial in _ended(study))
        if not begun and not study.get_trials(states=[TrialState.WAITING]):
            study.enqueue_trial(start)
        in_all = prod(len(values) for values in self.space.values())
        wanted = min(n_trials, in_all)
        told = _n_settings(study)
        missing = wanted - told
        draws = DRAWS * missing
        if wanted == in_all:  # of which random draws would hardly find the last ones
            study.sampler = optuna.samplers.GridSampler(dict(self.space), self.seed)
            draws = in_all + 1  # with that of the start

        def ended(study: optuna.Study, trial: FrozenTrial) -> None:
            nonlocal told
            n_settings = _n_settings(study)
            if n_settings > told:  # what is drawn again is not told again
                on_trial(trial, n_settings)
            told = n_settings
            if n_settings >= wanted:
                study.stop()

        if missing > 0:
            study.optimize(lambda trial: self._reached(trial, fit), draws, callbacks=[ended])

    def _study(self) -> optuna.Study:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=_storage(self.file),
            study_name=f"{self.data} {self.model} {dict(self.space)}",
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(WARM_UP_TRIALS, WARM_UP_EPOCHS),
        )
        study.set_user_attr(MODEL, self.model)
        study.set_user_attr(DATA, self.data)
        # a search that goes on must not draw again what it drew before
        study.sampler = optuna.samplers.TPESampler(seed=self.seed + len(study.trials))
        return study

    def _reached(self, trial: optuna.Trial, fit: Fit) -> float:
        """Return validation NDCG@10 of a trial. Raise TrialPruned for a poor one.

        What has been tried is not tried again. Epoch 0, before training, is the same for many
        settings and says nothing about them.
        """
        names = self.space.items()
        settings = {name: trial.suggest_categorical(name, listed) for name, listed in names}
        for other in _ended(trial.study):
            if other.params == settings:
                for epoch, reached in other.intermediate_values.items():
                    trial.report(reached, epoch)
                if other.state == TrialState.PRUNED or other.value is None:
                    raise optuna.TrialPruned
                return _record(trial, Tried(other.value, **other.user_attrs))

        def on_epoch(number: int, ndcg: float) -> None:
            if not number:
                return
            trial.report(ndcg, number)
            if trial.should_prune():
                raise optuna.TrialPruned

        return _record(trial, fit(settings, on_epoch))


def trials(file: Path, data: Mapping[str, str]) -> dict[str, list[FrozenTrial]]:
    """Return the trials of each model's latest search on its `data`, by the model's name."""
    found: dict[str, list[FrozenTrial]] = {}
    if not file.exists():
        return found
    for study in optuna.get_all_study_summaries(_storage(file)):
        own = study.user_attrs
        if not {MODEL, DATA} <= own.keys():
            continue  # the search was killed when it had just been made
        if own[DATA] == data.get(own[MODEL]):  # ascending by when they were made
            loaded = optuna.load_study(study_name=study.study_name, storage=_storage(file))
            found[own[MODEL]] = max(found.get(own[MODEL], []), loaded.get_trials(), key=_last_begun)
    return found


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])


def _n_settings(study: optuna.Study) -> int:
    """Return how many different settings have been tried."""
    return len({tuple(sorted(trial.params.items())) for trial in _ended(study)})


def _last_begun(of_one: Sequence[FrozenTrial]) -> float:
    return max((t.datetime_start.timestamp() for t in of_one if t.datetime_start), default=0.0)


def _storage(file: Path) -> str:
    return f"sqlite:///{file}"


def _record(trial: optuna.Trial, tried: Tried) -> float:
    """Keep what a trial has reached besides its NDCG, which is returned."""
    others = asdict(tried)
    ndcg = float(others.pop("validation_ndcg_at_10"))
    for name, value in others.items():
        trial.set_user_attr(name, value)
    return ndcg
