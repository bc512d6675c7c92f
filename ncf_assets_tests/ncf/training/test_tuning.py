"""A search tries settings of its space, prunes poor trials, and goes on where it was stopped."""

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from ncf_assets.ncf.training.tuning import OnEpoch, Search, Settings, Space, Tried, trials

SPACE: Space = {
    "learning_rate": [10.0**power for power in (-4, -3.5, -3, -2.5, -2, -1.5, -1)],
    "factors": [16, 32],
    "negatives": [4, 8],
    "ema_decay": [0.0, 0.8],
}
START = {"learning_rate": 1e-4, "factors": 32, "negatives": 4, "ema_decay": 0.0}


def ignore(*_: Any) -> None:
    """Take in a trial, and do nothing."""


def quality(settings: Settings) -> float:
    """Return 0.9 at a rate of 0.01, and a tenth less for each order of magnitude away."""
    return 0.9 - 0.1 * abs(math.log10(settings["learning_rate"] / 0.01))


def curve(settings: Settings, on_epoch: OnEpoch) -> Tried:
    """Report four epochs that come nearer to the settings' quality, after a better epoch 0."""
    for number in range(5):
        on_epoch(number, quality(settings) * number / 4 if number else 0.95)
    return Tried(quality(settings), quality(settings), 4)


def search(file: Path, model: str = "one", data: str = "data", space: Space = SPACE) -> Search:
    """Return a search in a file of its own."""
    return Search(model, space, START, seed=1, data=data, file=file)


def run(file: Path, n_trials: int, model: str = "one", data: str = "data") -> list[FrozenTrial]:
    """Return all trials once there are n."""
    search(file, model, data).run(curve, n_trials, ignore)
    return trials(file, {model: data})[model]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[FrozenTrial]:
    """Return the 25 trials of a search."""
    return run(tmp_path_factory.mktemp("search") / "searches.db", 25)


def test_a_search_begins_with_the_settings_that_its_space_has(tmp_path: Path) -> None:
    """A rate above the highest and a number of negatives that is not listed are drawn instead."""
    start = {"learning_rate": 0.5, "factors": 16, "negatives": None, "ema_decay": 0.8}
    file = tmp_path / "searches.db"
    Search("one", SPACE, start, seed=1, data="data", file=file).run(curve, 1, ignore)
    (trial,) = trials(file, {"one": "data"})["one"]
    assert (trial.params["factors"], trial.params["ema_decay"]) == (16, 0.8)
    assert trial.params["learning_rate"] in SPACE["learning_rate"]
    assert trial.params["negatives"] in (4, 8)


def test_the_first_trial_is_the_default_and_the_best_is_better(found: list[FrozenTrial]) -> None:
    """The default is two orders of magnitude off, which gives 0.7.

    Epoch 0 is no trial's: it is the network before training.
    """
    assert found[0].params == START
    assert found[0].value == pytest.approx(0.7)
    assert max(trial.value or 0 for trial in found) > 0.85
    assert found[0].user_attrs == {"epoch": 4, "validation_hr_at_10": pytest.approx(0.7)}


def test_every_trial_stays_within_the_space(tmp_path: Path) -> None:
    """Each value is one of its list."""
    for trial in run(tmp_path / "searches.db", 12):
        assert all(trial.params[name] in listed for name, listed in SPACE.items())


def test_poor_trials_are_pruned(found: list[FrozenTrial]) -> None:
    """Some of 25 trials are below the median of the others; none is pruned before there are 3."""
    pruned = [trial.number for trial in found if trial.state == TrialState.PRUNED]
    assert pruned
    assert min(pruned) >= 3


def test_a_search_goes_on_with_other_trials(tmp_path: Path) -> None:
    """There are 4 and then up to 8 trials; a search that has enough trials does nothing."""
    file = tmp_path / "searches.db"
    first, all_of_them = run(file, 4), run(file, 8)
    assert [trial.params for trial in all_of_them[:4]] == [trial.params for trial in first]
    assert len(all_of_them) == 8
    assert len(run(file, 8)) == 8


def test_no_search_has_no_trials(tmp_path: Path) -> None:
    """`Materialize all` asks for none, and leaves no file."""
    assert trials(tmp_path / "searches.db", {"one": "data"}) == {}
    assert not (tmp_path / "searches.db").exists()


def test_a_search_that_was_killed_at_its_beginning_has_no_trials(tmp_path: Path) -> None:
    """It does not say yet of which model it is."""
    file = tmp_path / "searches.db"
    optuna.create_study(storage=f"sqlite:///{file}", study_name="data one {}")
    assert trials(file, {"one": "data"}) == {}
    assert len(run(file, 1)) == 1


def test_searches_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Other data, another model and another space make another search; the latest space counts."""
    file = tmp_path / "searches.db"
    run(file, 3)
    assert len(run(file, 2, data="another")) == 2
    assert len(run(file, 1, model="another")) == 1
    of_both = trials(file, {"one": "data", "another": "data"})
    assert {model: len(of) for model, of in of_both.items()} == {"one": 3, "another": 1}
    of_both = trials(file, {"one": "another", "another": "data"})
    assert {model: len(of) for model, of in of_both.items()} == {"one": 2, "another": 1}
    search(file, space=SPACE | {"factors": [32, 64]}).run(curve, 1, ignore)
    assert len(trials(file, {"one": "data"})["one"]) == 1


def test_a_small_space_is_tried_to_its_end_and_no_settings_twice(tmp_path: Path) -> None:
    """Of two values, 9 trials are 2; what is drawn again is not fitted again."""
    fitted: list[float] = []

    def fit(settings: Settings, _: OnEpoch) -> Tried:
        fitted.append(settings["ridge"])
        return Tried(settings["ridge"] / 10)

    space = {"ridge": [1.0, 2.0]}
    file = tmp_path / "searches.db"
    told: list[int] = []
    search = Search("ease", space, {"ridge": 1.0}, seed=1, data="data", file=file)
    search.run(fit, 9, lambda _, n_settings: told.append(n_settings))
    assert told == [1, 2]
    done = trials(file, {"ease": "data"})["ease"]
    assert len(done) == 2
    assert len(fitted) == len(set(fitted))
    assert done[0].user_attrs == {"validation_hr_at_10": None, "epoch": None}


def test_all_settings_of_a_space_are_tried_where_as_many_trials_are_asked_for(
    tmp_path: Path,
) -> None:
    """Of 7 · 2 · 1 · 1 settings, 14, some of them pruned, none is fitted twice."""
    fitted: list[Settings] = []

    def fit(settings: Settings, on_epoch: OnEpoch) -> Tried:
        fitted.append(settings)
        return curve(settings, on_epoch)

    space = SPACE | {"negatives": [4], "ema_decay": [0.0]}
    file = tmp_path / "searches.db"
    search(file, space=space).run(fit, 14, ignore)
    assert len(fitted) == len({tuple(settings.values()) for settings in fitted}) == 14
    assert any(trial.state == TrialState.PRUNED for trial in trials(file, {"one": "data"})["one"])


def test_what_was_pruned_is_not_fitted_again(tmp_path: Path) -> None:
    """24 trials draw some of 28 settings again; each is fitted once."""
    fitted: list[Settings] = []

    def fit(settings: Settings, on_epoch: OnEpoch) -> Tried:
        fitted.append(settings)
        return curve(settings, on_epoch)

    file = tmp_path / "searches.db"
    search(file, space=SPACE | {"negatives": [4]}).run(fit, 24, ignore)
    found = trials(file, {"one": "data"})["one"]
    assert len(fitted) == len({tuple(settings.values()) for settings in fitted}) <= 24
    assert len(found) > len(fitted)
    assert all(trial.intermediate_values for trial in found)


def test_a_killed_trial_is_distinguished_from_a_running_one(tmp_path: Path) -> None:
    """The killed trial has failed, and another one replaces it."""
    file = tmp_path / "searches.db"

    def killed(*_: object) -> Tried:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(file).run(killed, 2, ignore)
    states = [trial.state for trial in run(file, 2)]
    assert states == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
    assert trials(file, {"one": "data"})["one"][1].params == START
