"""Generate the page of the science modules. Its texts are the modules' docstrings."""

import ast
from pathlib import Path

import ncf_assets.ncf

HEAD = """# Science modules

`ncf_assets.ncf` is the science: it computes on arrays, without Dagster, the data folder or global
random state. [In Python](python.md) trains and evaluates in fifty lines.

"""


def page() -> str:
    """Return the modules in alphabetical order, each with its public functions and classes."""
    folder = Path(str(ncf_assets.ncf.__file__)).parent
    modules = {
        ".".join(file.relative_to(folder).with_suffix("").parts): file
        for file in sorted(folder.rglob("*.py"))
        if file.stem != "__init__"
    }
    names = list(modules)
    summary = "".join(
        f"- [{name}](#ncf_assets.ncf.{name}): {_first_line(modules[name])}\n" for name in names
    )
    sections = [
        f"## {name} {{ #ncf_assets.ncf.{name} }}\n\n::: ncf_assets.ncf.{name}\n" for name in names
    ]
    return f"{HEAD}{summary}\n" + "\n".join(sections)


def _first_line(file: Path) -> str:
    documented = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return documented.splitlines()[0]
