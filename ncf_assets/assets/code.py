"""The version of the code that makes an asset, from the code itself: it changes when that does."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "ncf_assets"
ROOT = Path(__file__).parents[1]
FOLLOWED = ("ncf_assets.ncf", "ncf_assets.ingest")  # where rows and numbers are made


def code_version(*parts: str) -> str:
    """Hash of the code that makes an asset: texts, and modules by dotted name.

    What a module imports of FOLLOWED belongs to it if it is of these packages itself. Modules are
    read, not imported: TensorFlow must not load with the code location.
    """
    total = hashlib.sha256()
    named = [part for part in parts if part.startswith(f"{PACKAGE}.")]
    for file in sorted({file for module in modules_of(*named) for file in _files(module)}):
        total.update(file.read_bytes())
    for part in parts:
        if part not in named:
            total.update(part.encode())
    return total.hexdigest()[:16]


def modules_of(*named: str) -> set[str]:
    """These modules, and what they import of FOLLOWED, if they are of these packages."""
    found: set[str] = set()
    waiting = list(named)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module) if module.startswith(FOLLOWED) else []
    return found


@cache
def _imported(module: str) -> tuple[str, ...]:
    """The modules of FOLLOWED that a module, or any of a package, imports by `from … import`."""
    names = {
        name
        for file in _files(module)
        if file.suffix == ".py"
        for statement in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(statement, ast.ImportFrom)
        for name in _names(statement)
    }
    return tuple(name for name in names if name.startswith(FOLLOWED) and _path(name))


def _names(statement: ast.ImportFrom) -> Iterator[str]:
    """What may be modules: `from a import b` may import a.b, or b of a."""
    yield str(statement.module)
    yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _files(module: str) -> list[Path]:
    """The file of a module, or all files of a package, templates included."""
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is named as an asset's code but does not exist")
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and p.suffix != ".pyc")


def _path(module: str) -> Path | None:
    """A package's folder or a module's file, if there is one; FOLLOWED as a whole are nobody's."""
    path = ROOT.joinpath(*module.split(".")[1:])
    found = (place for place in (path, path.with_suffix(".py")) if place.exists())
    return None if module in FOLLOWED else next(found, None)
