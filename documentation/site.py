"""The hook of mkdocs.yml: which pages of the site are not files in docs/, and what they say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from documentation import api, checks, configuration, lineage, notebook, tables

ROOT = Path(__file__).parents[1]
# texts of the project's folder by the page that they are in the site
TEXTS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api.page,
    "checks.md": checks.page,
    "configuration.md": configuration.page,
    "lineage.md": lineage.page,
    "tables.md": tables.page,
    "tour.md": notebook.page,
}


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    texts = {page: relinked((ROOT / text).read_text()) for text, page in TEXTS.items()}
    for name, content in (texts | {name: page() for name, page in PAGES.items()}).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links of docs/ to the project's folder, as links within the site."""
    return re.sub(r"\]\(\.\./(\w+\.md)", lambda found: f"]({TEXTS[found[1]]}", markdown)


def relinked(text: str) -> str:
    """A text of the project's folder with its links as they are from docs/."""
    text = re.sub(r'(\]\(|src=")docs/', r"\1", text)
    for name, page in TEXTS.items():
        text = text.replace(f"]({name}", f"]({page}")
    return text.replace("](tour.ipynb)", "](tour.md)")
