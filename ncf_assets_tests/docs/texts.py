"""The texts that people read, what stands in their code blocks, and `make` as they say it."""

import re
import shlex
import subprocess
from pathlib import Path

from ncf_assets.warehouse import PROJECT_DATA
from ncf_assets_tests.cli.commands import environment

ROOT = PROJECT_DATA.parent
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: Path, language: str) -> list[str]:
    """The contents of a text's code blocks of a language, in its order."""
    found = re.findall(rf"^```{language}\n(.+?)^```", text.read_text(), re.DOTALL | re.MULTILINE)
    return list(found)


def block(text: Path, language: str, having: str) -> str:
    """The one block that has these words in it."""
    (found,) = [each for each in blocks(text, language) if having in each]
    return found


def make(data: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """A target of the Makefile on a data folder."""
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
    """What a text's shell blocks say to type, without remarks; a quoted one may span lines."""
    found: list[str] = []
    for lines in blocks(text, "sh"):
        waiting = ""
        for line in lines.splitlines():
            waiting += line + "\n"
            if _is_whole(waiting):
                found += [_without_remark(waiting)] if _without_remark(waiting) else []
                waiting = ""
        assert not waiting, f"{text.name}: a quote is not closed in {waiting}"
    return found


def mentioned(text: Path) -> list[str]:
    """Commands of the project that stand in a text's sentences, in backticks."""
    prose = re.sub(r"^```.*?^```", "", text.read_text(), flags=re.DOTALL | re.MULTILINE)
    starts = ("make ", "ncf-assets ", "python -m ")
    return [code for code in re.findall(r"`([^`\n]+)`", prose) if code.startswith(starts)]


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


def _without_remark(command: str) -> str:
    return re.sub(r"(^|\s{2,})# .*$", "", command.strip())
