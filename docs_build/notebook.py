"""Generate the page of docs/tour.ipynb from its cells and their stored outputs.

`docs_build.tour` runs the notebook.
"""

import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs/tour.ipynb"


def page() -> str:
    """Return the cells in Markdown, with a link to the notebook itself."""
    cells = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join(_cell(cell) for cell in cells)
    return text.replace("\n\n", "\n\n[The notebook](tour.ipynb)\n\n", 1) + "\n"


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    outputs = [_output(output.get("data", {})) for output in cell["outputs"]]
    return "\n\n".join([f"```python\n{source}\n```", *filter(None, outputs)])


def _output(data: dict[str, Any]) -> str:
    """Return a plot, or else a table, or else nothing, as plain text is only a Python repr."""
    if "image/png" in data:
        return f"![plot](data:image/png;base64,{''.join(data['image/png']).strip()})"
    html = re.sub(r"<style.*?</style>", "", "".join(data.get("text/html", "")), flags=re.DOTALL)
    plain = re.sub(r"<table[^>]*>", "<table>", html)  # so that the site's own style applies
    return re.sub(r"\n\s*", "", plain)
