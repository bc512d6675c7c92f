"""The texts that people read, what stands in their code blocks, and `make` as they say it."""

import re
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
        ["make", *words],
        cwd=ROOT,
        env=environment(data),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
