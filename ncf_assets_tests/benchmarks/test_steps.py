"""`benchmarks.steps` times steps of two commits in turns; here both are this one."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import steps


def test_each_step_runs_on_what_was_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """At 4 thousandths of Movies_and_TV; the old commit's side takes twice our seconds."""
    given = steps.draw(0.004)
    assert given["users"].size == given["history"].sum()
    assert (given["full_n_better"] < given["full_n_candidates"][:, None]).all()
    for step in steps.STEPS.values():
        step(given)()
    seconds = {"first": (2.0, 3.0), "ours": (1.0, 1.2)}

    def child(_: list[str], folder: Path) -> tuple[float, float]:
        return seconds["first" if folder == tmp_path else "ours"]

    monkeypatch.setattr(steps, "run_child", child)
    monkeypatch.setattr(
        sys, "argv", ["steps", str(tmp_path), "--scale", "0.004", "--steps", "ials"]
    )
    steps.main()
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "ials_clock": 0.5,
        "ials_processor": 0.4,
    }
