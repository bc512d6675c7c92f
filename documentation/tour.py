"""docs/tour.ipynb: running it, and keeping what came out.

`python -m documentation.tour` runs it on the data folder and writes the outputs into it.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PAGE = Path(__file__).parents[1] / "docs/tour.ipynb"
SECONDS = 120  # for one cell; ours


def executed() -> Any:
    """The notebook with the outputs of this Python. CellExecutionError if a cell fails."""
    notebook = nbformat.read(PAGE, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, record_timing=False).execute()
    notebook.metadata = {"language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":  # what TensorFlow says of this machine is of no interest
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), PAGE)
