"""`benchmarks.runs` sets the steps of two commits side by side."""

from pathlib import Path

import pytest

from benchmarks import runs
from benchmarks.lineage import Done, Step
from ncf_assets_tests.running import ASSETS


def run(seconds: float, of_each: float, side: int) -> Done:
    """Return a run whose steps all take as long."""
    names = [name for both in runs.SAME.values() for name in both[side]]
    return Done(seconds, 100.0, {name: Step(name, of_each, 100.0) for name in names})


def test_shares_are_of_medians_and_of_what_both_commits_do() -> None:
    """Three runs each; today has 8 steps of ids and split, the other side 6; 15 and 13 in all."""
    today = [run(seconds, each, 0) for seconds, each in ((30.0, 1.0), (20.0, 3.0), (90.0, 2.0))]
    then = [run(seconds, 4.0, 1) for seconds in (60.0, 10.0, 70.0)]
    found = runs.compared((today, then))
    assert found["in all"] == (30.0, 60.0)
    assert found["ids and split"] == (16.0, 24.0)
    assert found["the same"] == (30.0, 52.0)


def test_todays_steps_are_those_of_the_code_location() -> None:
    """A step that is renamed would be missed after an hour of measuring."""
    ours = {name for both in runs.SAME.values() for name in both[0]}
    assert ours <= {definition.op.name for definition in ASSETS}
    assert set(runs.one_fit()["ops"]) <= {definition.op.name for definition in ASSETS}


def test_both_sides_are_run_in_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Today's command here, and then the other one in its checkout, each with its configuration."""
    asked = []

    def materialize(folder: Path, config: object, *, command: list[str], at: Path | None) -> Done:
        assert (folder / "datasets.toml").exists()
        asked.append((config, command[-1].rpartition("/")[2], at))
        return run(1.0, 1.0, 0)

    monkeypatch.setattr(runs, "materialize", materialize)
    today, then = runs.in_turns(tmp_path, tmp_path / "file", 2, ({"a": 1}, None))
    assert (len(today), len(then)) == (2, 2)
    ours, theirs = ({"a": 1}, "ncf-assets", None), (None, runs.FIRST[-1], tmp_path)
    assert asked == [ours, theirs] * 2
