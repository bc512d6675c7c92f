"""Sentences in lines that fit a terminal, which breaks long ones in mid-word by itself."""

import re
import shutil
import sys
import textwrap
from typing import IO

import click

_QUOTED = re.compile(r"`[^`\n]*`")  # commands, which are copied


def wrap(text: str, width: int, indent: str = "") -> str:
    """Return text in lines of at most `width` characters, broken at blanks alone.

    What is in backticks, and a word that is longer than a line, such as a path, stay in one piece.
    """
    kept = _QUOTED.sub(lambda found: found[0].replace(" ", "\0"), text)
    lines = (
        textwrap.fill(
            line,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in kept.split("\n")
    )
    return "\n".join(lines).replace("\0", " ")


def wrap_for(stream: IO[str], text: str, before: int = 0, indent: str = "") -> str:
    """Return text as it fits a stream that is a terminal, else in lines as they are.

    `before` is the number of characters that stand before it in its first line.
    """
    if not stream.isatty():
        return indent + text
    return wrap("x" * before + text, shutil.get_terminal_size().columns, indent)[before:]


def say(text: str, *, err: bool = False, color: str | None = None, indent: str = "") -> None:
    """Print sentences."""
    told = wrap_for(sys.stderr if err else sys.stdout, text, indent=indent)
    click.secho(told, err=err, fg=color)
