"""Run docs/tour.ipynb, and store the outputs in it.

`python -m docs_build.tour` runs it on the data folder. `docs_build.notebook` makes a page of it.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PAGE = Path(__file__).parents[1] / "docs/tour.ipynb"
SECONDS = 120  # chosen: the time limit of one cell


def executed() -> Any:
    """Return the notebook with the outputs of this Python. CellExecutionError if a cell fails."""
    notebook = nbformat.read(PAGE, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, record_timing=False).execute()
    notebook.metadata = {"language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":  # TensorFlow's messages on this machine are of no interest
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), PAGE)
