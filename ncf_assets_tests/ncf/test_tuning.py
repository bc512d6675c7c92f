"""A search tries what it may, gives up what lags behind, and goes on where it was stopped."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from ncf_assets.ncf.history import Epoch
from ncf_assets.ncf.tuning import Search, Settings, Space

SPACE = Space(
    learning_rate=(1e-4, 1e-1), l2=(1e-3, 1.0), negatives_per_positive=(4, 8), averaging=(0.0, 0.8)
)
START = Settings(learning_rate=1e-4, l2=1.0, negatives_per_positive=4, averaging=0.0)


def quality(settings: Settings) -> float:
    """Best, 0.9, at a rate of 0.01; less by a tenth for each order of magnitude away."""
    return 0.9 - 0.1 * abs(math.log10(settings.learning_rate / 0.01))


def curve(settings: Settings, on_epoch: Callable[[Epoch], None]) -> Sequence[Epoch]:
    """Four epochs that come nearer to the settings' quality."""
    epochs = []
    for number in range(1, 5):
        ndcg = quality(settings) * number / 4
        epochs.append(Epoch(number, 0.5, ndcg, ndcg, 0.1, 1000.0))
        on_epoch(epochs[-1])
    return epochs


def search(file: Path, name: str = "one") -> Search:
    """In a file of its own."""
    return Search(SPACE, START, seed=1, name=name, file=file)


def run(file: Path, n_trials: int, name: str = "one") -> list[FrozenTrial]:
    """All trials when there are n."""
    return search(file, name).run(curve, n_trials, [].append)


def test_the_first_trial_is_the_default_and_the_best_is_better(tmp_path: Path) -> None:
    """The default is two orders of magnitude off: 0.7."""
    trials = run(tmp_path / "searches.db", 25)
    assert trials[0].params == vars(START)
    assert trials[0].value == pytest.approx(0.7)
    assert max(trial.value or 0 for trial in trials) > 0.85
    assert trials[0].user_attrs == {"epoch": 4, "validation_hr_at_10": pytest.approx(0.7)}


def test_every_trial_stays_within_the_space(tmp_path: Path) -> None:
    """Ranges and lists."""
    for trial in run(tmp_path / "searches.db", 12):
        assert 1e-4 <= trial.params["learning_rate"] <= 1e-1
        assert 1e-3 <= trial.params["l2"] <= 1.0
        assert trial.params["negatives_per_positive"] in (4, 8)
        assert trial.params["averaging"] in (0.0, 0.8)


def test_what_lags_behind_is_given_up(tmp_path: Path) -> None:
    """Some of 25 are below the median of the others; none was before there were 3."""
    trials = run(tmp_path / "searches.db", 25)
    given_up = [trial.number for trial in trials if trial.state == TrialState.PRUNED]
    assert given_up
    assert min(given_up) >= 3


def test_a_search_goes_on_with_other_trials(tmp_path: Path) -> None:
    """4 and then up to 8; none is tried twice, and a search that has enough does nothing."""
    file = tmp_path / "searches.db"
    first, all_of_them = run(file, 4), run(file, 8)
    assert [trial.params for trial in all_of_them[:4]] == [trial.params for trial in first]
    assert len({str(trial.params) for trial in all_of_them}) == 8
    assert len(run(file, 8)) == 8


def test_no_search_leaves_no_file(tmp_path: Path) -> None:
    """As `Materialize all` asks for no trial."""
    assert run(tmp_path / "searches.db", 0) == []
    assert not (tmp_path / "searches.db").exists()


def test_searches_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Other data make another search."""
    file = tmp_path / "searches.db"
    run(file, 3, "one")
    assert len(run(file, 2, "another")) == 2


def test_a_trial_that_was_killed_is_told_from_one_that_runs(tmp_path: Path) -> None:
    """It has failed, and another takes its place."""
    file = tmp_path / "searches.db"

    def killed(*_: object) -> Sequence[Epoch]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(file).run(killed, 2, [].append)
    states = [trial.state for trial in run(file, 2)]
    assert states == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
