"""The version of the code that makes an asset, from the code itself: it changes when that does."""

import hashlib
import importlib.util
from pathlib import Path


def code_version(*parts: str) -> str:
    """Hash of the code that makes an asset: texts, and modules by dotted name.

    Modules are read, not imported: TensorFlow must not load with the code location.
    """
    total = hashlib.sha256()
    for part in parts:
        if part.startswith("ncf_assets."):
            for file in _files(part):
                total.update(file.read_bytes())
        else:
            total.update(part.encode())
    return total.hexdigest()[:16]


def _files(module: str) -> list[Path]:
    """The file of a module, or all files of a package, templates included."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{module} is named as an asset's code but does not exist")
    file = Path(found.origin)
    if file.name != "__init__.py":
        return [file]
    return sorted(p for p in file.parent.rglob("*") if p.is_file() and p.suffix != ".pyc")
