"""Hook into mkdocs: add the site's pages that are not files in docs/, and adapt links.

mkdocs.yml names this module. The generated pages are in the other modules of `docs_build`.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from docs_build import api, checks, lineage, notebook, tables

ROOT = Path(__file__).parents[1]
# text of the project's folder -> its page in the site
TEXTS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api.page,
    "checks.md": checks.page,
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
    """Turn links of docs/ to the project's folder into links within the site."""
    names = "|".join(map(re.escape, TEXTS))
    link = rf"\]\((?P<up>(?:\.\./)*)\.\./(?P<name>{names})"
    return re.sub(link, lambda found: f"]({found['up']}{TEXTS[found['name']]}", markdown)


def relinked(text: str) -> str:
    """Return a text of the project's folder with its links as they are from docs/."""
    text = re.sub(r"```mermaid\n.*?```\n", _stages, text, flags=re.DOTALL)
    text = re.sub(r'(\]\(|src=")docs/', r"\1", text)
    for name, page in TEXTS.items():
        text = text.replace(f"]({name}", f"]({page}")
    return text.replace("](tour.ipynb)", "](tour.md)")


def _stages(flow: re.Match[str]) -> str:
    """Return a flow as names with arrows, as drawing it would need a script from elsewhere."""
    names = re.findall(r"^  (\w+(?: --> \w+)+)$", flow[0], flags=re.MULTILINE)
    return "".join(f"<p>{chain.replace(' --> ', '<br>↓ ')}</p>\n" for chain in names)
