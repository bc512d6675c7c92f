"""Find the texts that people read and the commands in them, and run `make` as they say."""

import re
import shlex
import subprocess
from pathlib import Path

from ncf_assets_tests.cli.commands import environment
from ncf_assets_tests.paths import ROOT

TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: Path, language: str) -> list[str]:
    """Return the contents of a text's code blocks of a language, in order."""
    found = re.findall(rf"^```{language}\n(.+?)^```", text.read_text(), re.DOTALL | re.MULTILINE)
    return list(found)


def block(text: Path, language: str, having: str) -> str:
    """Return the one block of a text that has these words in it."""
    (found,) = [each for each in blocks(text, language) if having in each]
    return found


def block_of_any(language: str, having: str) -> str:
    """Return the one block of all texts that has these words in it."""
    (found,) = [each for text in TEXTS for each in blocks(text, language) if having in each]
    return found


def make(data: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile on a data folder."""
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env=environment(data),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def commands(text: Path) -> list[str]:
    """Return the commands of a text's shell blocks, without remarks; quotes may span lines."""
    found: list[str] = []
    for lines in blocks(text, "sh"):
        waiting = ""
        for line in lines.splitlines():
            waiting += line + "\n"
            if _is_complete(waiting):
                found += [_without_remark(waiting)] if _without_remark(waiting) else []
                waiting = ""
        assert not waiting, f"{text.name}: a quote is not closed in {waiting}"
    return found


def mentioned(text: Path) -> list[str]:
    """Return the commands of the project in a text's sentences, in backticks."""
    prose = re.sub(r"^```.*?^```", "", text.read_text(), flags=re.DOTALL | re.MULTILINE)
    starts = ("make ", "ncf-assets ", "python -m ")
    return [code for code in re.findall(r"`([^`\n]+)`", prose) if code.startswith(starts)]


def _is_complete(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


def _without_remark(command: str) -> str:
    return re.sub(r"(^|\s{2,})# .*$", "", command.strip())
