"""The version of the code that makes an asset, from the code itself: it changes when that does.

The version hashes the asset's function, what this uses of its own module, and the science modules
that they import. Code is read, not imported: TensorFlow must not load with the code location.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ncf_assets.hashing import new_hash

PACKAGE = "ncf_assets"
ROOT = Path(__file__).parents[1]
# Packages of which every imported module counts, with all that it imports of them.
HASHED_PACKAGES = ("ncf_assets.ncf", "ncf_assets.ingest", "ncf_assets.report")
# Modules of which only those definitions count that a function uses.
HASHED_BY_NAME = (
    "ncf_assets.assets",
    "ncf_assets.orchestration.fitted_models",
    "ncf_assets.orchestration.models",
    "ncf_assets.orchestration.trained_models",
)
BY_NAME = tuple(f"{name}." for name in HASHED_BY_NAME)
HASHED_MODULES = (
    *HASHED_PACKAGES,
    "ncf_assets.orchestration.factorization",
    "ncf_assets.orchestration.fits",
    "ncf_assets.orchestration.scorers",
)


def code_version(*parts: Callable[..., Any] | str) -> str:
    """Return the hash of the code that makes an asset: of functions, and of texts as they are."""
    total = new_hash()
    functions = [(part.__module__, part.__name__) for part in parts if not isinstance(part, str)]
    definitions, modules = definition_closure(functions)
    for module, text in sorted((d.module, d.text) for d in definitions):
        total.update(f"{module}\n{text}\n".encode())
    for file in sorted({file for module in module_closure(modules) for file in _files(module)}):
        total.update(file.read_bytes())
    for part in parts:
        if isinstance(part, str):
            total.update(part.encode())
    return total.hexdigest()


@dataclass(frozen=True)
class Definition:
    """A statement at the top of a module: its text, the names it uses, and what it imports."""

    module: str
    text: str
    names: frozenset[str]
    imports: frozenset[tuple[str, str]]


def definition_closure(
    functions: list[tuple[str, str]],
) -> tuple[set[Definition], set[str]]:
    """Follow (module, name) to all definitions used, and to the modules that these import."""
    definitions: set[Definition] = set()
    modules: set[str] = set()
    waiting, seen = list(functions), set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) in seen:
            continue
        seen.add((module, name))
        defined, imported = _contents(module)
        sources: set[tuple[str, str]] = set()
        if name in defined:
            definition = defined[name]
            definitions.add(definition)
            waiting += [(module, used) for used in definition.names]
            sources |= definition.imports
        elif name in imported:
            sources.add(imported[name])
        for source, used in sources:
            if found := _hashed_module(source, used):
                modules.add(found)
            elif f"{source}.{used}.".startswith(BY_NAME) and _path(f"{source}.{used}"):
                raise ValueError(
                    f"{module} imports the module {source}.{used}. Import its functions by name, so"
                    " that the code version follows them."
                )
            elif f"{source}.".startswith(BY_NAME):
                waiting.append((source, used))
    return definitions, modules


def module_closure(modules: set[str]) -> set[str]:
    """Return these modules, and all that they import of HASHED_MODULES."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module)
    return found


@cache
def _contents(module: str) -> tuple[dict[str, Definition], dict[str, tuple[str, str]]]:
    """Return the definitions of a module by name, and what its top imports, by bound name."""
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is imported as an asset's code but does not exist")
    text = path.read_text(encoding="utf-8")
    lines = text.encode().split(b"\n")
    defined: dict[str, Definition] = {}
    imported: dict[str, tuple[str, str]] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ImportFrom):
            imported |= _bound(statement)
            continue
        nodes = list(ast.walk(statement))
        definition = Definition(
            module,
            _segment(lines, statement),
            frozenset(node.id for node in nodes if isinstance(node, ast.Name)),
            frozenset(
                source
                for node in nodes
                if isinstance(node, ast.ImportFrom)
                for source in _bound(node).values()
            ),
        )
        defined |= dict.fromkeys(_defined_names(statement), definition)
    return defined, imported


def _segment(lines: list[bytes], statement: ast.stmt) -> str:
    """Return the text of a statement; `ast.get_source_segment` splits the lines at each call."""
    *whole, last = lines[statement.lineno - 1 : statement.end_lineno]
    return b"\n".join([*whole, last[: statement.end_col_offset]]).decode()


def _defined_names(statement: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    return [
        node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
    ]


def _bound(statement: ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """Return (module, name) of each alias of an import, by the name that it binds."""
    return {
        alias.asname or alias.name: (str(statement.module), alias.name) for alias in statement.names
    }


def _hashed_module(source: str, name: str) -> str | None:
    """Return the module of HASHED_MODULES that `from source import name` reaches, if any."""
    for module in (f"{source}.{name}", source):
        if module.startswith(HASHED_MODULES) and _path(module):
            return module
    if source.startswith(HASHED_MODULES):
        raise ModuleNotFoundError(f"{source} is imported as an asset's code but does not exist")
    return None


@cache
def _imported(module: str) -> tuple[str, ...]:
    """Return the modules of HASHED_MODULES that a module, or any of a package, imports."""
    found = {
        _hashed_module(*source)
        for file in _files(module)
        if file.suffix == ".py"
        for statement in _statements(ast.parse(file.read_bytes()))
        if isinstance(statement, ast.ImportFrom)
        for source in _bound(statement).values()
    }
    return tuple(sorted(name for name in found if name))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements within a node, however deep; `ast.walk` looks at all nodes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield child
            yield from _statements(child)


def _files(module: str) -> Iterator[Path]:
    """Yield the file of a module, or all files of a package, templates included."""
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"{module} is imported as an asset's code but does not exist")
    if path.name != "__init__.py":
        yield path
        return
    for file in sorted(path.parent.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            yield file


def _path(module: str) -> Path | None:
    """Return a module's file, or a package's `__init__.py`, if there is one."""
    if not module.startswith(f"{PACKAGE}."):  # somebody's own asset
        own = getattr(sys.modules.get(module), "__file__", None)
        return Path(own) if own else None
    path = ROOT.joinpath(*module.split(".")[1:])
    found = (place for place in (path / "__init__.py", path.with_suffix(".py")) if place.exists())
    return next(found, None)
