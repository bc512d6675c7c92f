"""Sentences in lines of a terminal's width."""

import io

import pytest

from ncf_assets.cli.wrapping import wrap, wrap_for


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("well-known word", ["well-known", "word"]),  # not broken after the hyphen
        ("in /a/long/path.json", ["in", "/a/long/path.json"]),  # nor a path anywhere
        ("run `ls -a` now", ["run", "`ls -a`", "now"]),  # a command is copied
        ("one\n\ntwo three", ["one", "", "two three"]),  # lines of the text stay
    ],
)
def test_lines_are_broken_at_blanks_alone(text: str, lines: list[str]) -> None:
    """Of at most 9 characters, but for what has no blank."""
    assert wrap(text, 9).split("\n") == lines


def test_what_is_indented_fits_too() -> None:
    """The indent counts."""
    assert wrap("one two three", 9, "  ") == "  one two\n  three"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_alone_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands before the text takes its part of the first line; a pipe gets the text."""
    monkeypatch.setenv("COLUMNS", "9")
    assert wrap_for(Terminal(), "one two three", 5) == "one\ntwo three"
    assert wrap_for(io.StringIO(), "one two three", 5) == "one two three"
