"""`benchmarks.questions` asks every macro that answers for one person."""

import json
import sys

import pytest

from benchmarks import questions


def test_every_question_has_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 50 users and 100 items."""
    words = ["questions", "--users", "50", "--items", "100", "--repeat", "2"]
    monkeypatch.setattr(sys, "argv", words)
    questions.main()
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = [*(f"recommend_for_{n}" for n in questions.LISTS), "why"]
    assert set(figures) == {*names, *(f"{name}_processor" for name in names)}
    assert all(milliseconds > 0 for milliseconds in figures.values())
