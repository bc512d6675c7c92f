"""The page of the science modules; what each says is in its docstrings."""

import ast
from pathlib import Path

import ncf_assets.ncf

HEAD = """# Python

`ncf_assets.ncf` is the science: arrays in, arrays or text out, without Dagster, files or global
random state. [In Python](index.md#in-python) trains and evaluates in thirty lines.

"""


def page() -> str:
    """The modules in alphabetical order, each with its public functions and classes."""
    folder = Path(str(ncf_assets.ncf.__file__)).parent
    modules = sorted(file for file in folder.glob("*.py") if file.stem != "__init__")
    names = [file.stem for file in modules]
    summary = "".join(
        f"- [{file.stem}](#ncf_assets.ncf.{file.stem}): {_first_line(file)}\n" for file in modules
    )
    sections = [
        f"## {name} {{ #ncf_assets.ncf.{name} }}\n\n::: ncf_assets.ncf.{name}\n" for name in names
    ]
    return f"{HEAD}{summary}\n" + "\n".join(sections)


def _first_line(file: Path) -> str:
    documented = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return documented.splitlines()[0]
