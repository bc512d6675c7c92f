"""A search tries settings of its space, prunes poor trials, and goes on where it was stopped."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from ncf_assets.ncf.training.epochs import Epoch
from ncf_assets.ncf.training.tuning import Search, Settings, Space

SPACE = Space(
    learning_rate=(1e-4, 1e-1),
    factors=(16, 32),
    negatives=(4, 8),
    ema_decay=(0.0, 0.8),
)
START = {"learning_rate": 1e-4, "factors": 32, "negatives": 4, "ema_decay": 0.0}


def ignore(*_: Any) -> None:
    """Take in a trial, and do nothing."""


def quality(settings: Settings) -> float:
    """Return 0.9 at a rate of 0.01, and a tenth less for each order of magnitude away."""
    return 0.9 - 0.1 * abs(math.log10(settings.learning_rate / 0.01))


def curve(settings: Settings, on_epoch: Callable[[Epoch], None]) -> Sequence[Epoch]:
    """Report four epochs that come nearer to the settings' quality, after a better epoch 0."""
    epochs = []
    for number in range(5):
        ndcg = quality(settings) * number / 4 if number else 0.95
        epochs.append(Epoch(number, 0.5, ndcg, ndcg, 0.1, 1000.0))
        on_epoch(epochs[-1])
    return epochs


def search(file: Path, name: str = "one") -> Search:
    """Return a search in a file of its own."""
    return Search(SPACE, START, seed=1, name=name, file=file)


def run(file: Path, n_trials: int, name: str = "one") -> list[FrozenTrial]:
    """Return all trials once there are n."""
    return search(file, name).run(curve, n_trials, ignore)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[FrozenTrial]:
    """Return the 25 trials of a search."""
    return run(tmp_path_factory.mktemp("search") / "searches.db", 25)


def test_a_search_begins_with_the_settings_that_its_space_has(tmp_path: Path) -> None:
    """A rate above the highest and a number of negatives that is not listed are drawn instead."""
    start = {"learning_rate": 0.5, "factors": 16, "negatives": None, "ema_decay": 0.8}
    found = Search(SPACE, start, seed=1, name="one", file=tmp_path / "searches.db")
    (trial,) = found.run(curve, 1, ignore)
    assert (trial.params["factors"], trial.params["ema_decay"]) == (16, 0.8)
    assert 1e-4 <= trial.params["learning_rate"] <= 1e-1
    assert trial.params["negatives"] in (4, 8)


def test_the_first_trial_is_the_default_and_the_best_is_better(trials: list[FrozenTrial]) -> None:
    """The default is two orders of magnitude off, which gives 0.7.

    Epoch 0 is no trial's: it is the network before training.
    """
    assert trials[0].params == START
    assert trials[0].value == pytest.approx(0.7)
    assert max(trial.value or 0 for trial in trials) > 0.85
    assert trials[0].user_attrs == {"epoch": 4, "validation_hr_at_10": pytest.approx(0.7)}


def test_every_trial_stays_within_the_space(tmp_path: Path) -> None:
    """The space has ranges and lists."""
    for trial in run(tmp_path / "searches.db", 12):
        assert 1e-4 <= trial.params["learning_rate"] <= 1e-1
        assert trial.params["factors"] in (16, 32)
        assert trial.params["negatives"] in (4, 8)
        assert trial.params["ema_decay"] in (0.0, 0.8)


def test_poor_trials_are_pruned(trials: list[FrozenTrial]) -> None:
    """Some of 25 trials are below the median of the others; none is pruned before there are 3."""
    pruned = [trial.number for trial in trials if trial.state == TrialState.PRUNED]
    assert pruned
    assert min(pruned) >= 3


def test_a_search_goes_on_with_other_trials(tmp_path: Path) -> None:
    """There are 4 and then up to 8 trials, all different.

    A search that has enough trials does nothing.
    """
    file = tmp_path / "searches.db"
    first, all_of_them = run(file, 4), run(file, 8)
    assert [trial.params for trial in all_of_them[:4]] == [trial.params for trial in first]
    assert len({str(trial.params) for trial in all_of_them}) == 8
    assert len(run(file, 8)) == 8


def test_no_search_leaves_no_file(tmp_path: Path) -> None:
    """`Materialize all` asks for no trial."""
    assert run(tmp_path / "searches.db", 0) == []
    assert not (tmp_path / "searches.db").exists()


def test_searches_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Other data make another search."""
    file = tmp_path / "searches.db"
    run(file, 3, "one")
    assert len(run(file, 2, "another")) == 2


def test_a_killed_trial_is_distinguished_from_a_running_one(tmp_path: Path) -> None:
    """The killed trial has failed, and another one replaces it."""
    file = tmp_path / "searches.db"

    def killed(*_: object) -> Sequence[Epoch]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(file).run(killed, 2, ignore)
    states = [trial.state for trial in run(file, 2)]
    assert states == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
