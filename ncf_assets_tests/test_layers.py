"""Imports run one way, and loading the code location stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ncf_assets

PACKAGE = Path(str(ncf_assets.__file__)).parent
ALLOWED = {
    # layer: the layers of ncf_assets that it may import
    "hashing": set(),
    "sql_files": set(),
    "sql_text": set(),
    "suggestion": set(),
    "ncf": {"hashing", "ncf"},
    "report": {"ncf", "report"},
    "tables": {"sql_files", "tables"},
    "checks": {"checks", "sql_files", "tables"},
    "macros": {"macros", "sql_files", "tables"},
    "datasets": {"datasets", "suggestion"},
    "ingest": {"datasets", "ingest", "sql_text"},
    "warehouse": {"hashing", "macros", "sql_text", "tables", "warehouse"},
    "orchestration": {
        "checks",
        "datasets",
        "hashing",
        "ingest",
        "ncf",
        "orchestration",
        "tables",
        "warehouse",
    },
    "assets": {
        "assets",
        "datasets",
        "hashing",
        "ingest",
        "ncf",
        "orchestration",
        "report",
        "tables",
        "warehouse",
    },
    "definitions": {"assets", "datasets", "orchestration", "warehouse"},
    "doctor": {"assets", "datasets", "doctor", "ingest", "orchestration", "tables", "warehouse"},
    "serving": {"ncf", "warehouse"},
    "cli": {
        "hashing",
        "assets",
        "cli",
        "datasets",
        "definitions",
        "doctor",
        "ingest",
        "ncf",
        "orchestration",
        "sql_text",
        "suggestion",
        "tables",
        "warehouse",
    },
}
# package of the science: the packages of it that it may import
ROOMS = {
    "evaluation": {"evaluation"},
    "recommend": {"evaluation", "recommend"},
    "models": {"evaluation", "models", "recommend"},
    "training": {"evaluation", "models", "training"},
}
FOREIGN = {
    # layer: packages that it must not know
    "ncf": {"dagster", "duckdb", "pandas"},
    "report": {"dagster", "duckdb", "pandas", "tensorflow"},
    "tables": {"dagster", "duckdb", "pandas", "tensorflow"},
    "warehouse": {"dagster", "tensorflow"},
    "ingest": {"dagster", "pandas", "tensorflow"},
}


def imported(file: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{file} imports relatively"
            # `from ncf_assets import x` and `from ncf_assets.assets import x` name modules
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(layer: str) -> list[Path]:
    """The Python files of a layer, which is a module or a package."""
    return (
        [PACKAGE / f"{layer}.py"]
        if layer not in folders()
        else list((PACKAGE / layer).rglob("*.py"))
    )


def folders() -> set[str]:
    """The packages directly below ncf_assets."""
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_module_belongs_to_a_layer() -> None:
    """A new file at the top must be given its place here."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert modules | folders() == set(ALLOWED)


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_layers_below(layer: str) -> None:
    """Definitions over assets over orchestration over science, tables and warehouse."""
    names = {name for file in files_of(layer) for name in imported(file)}
    layers = {name.split(".")[1] for name in names if name.startswith("ncf_assets.")}
    assert layers <= ALLOWED[layer]


@pytest.mark.parametrize("room", ROOMS)
def test_the_science_imports_one_way(room: str) -> None:
    """Models are judged by the evaluation, which knows none of them."""
    names = {name for file in (PACKAGE / "ncf" / room).glob("*.py") for name in imported(file)}
    rooms = {name.split(".")[2] for name in names if name.startswith("ncf_assets.ncf.")}
    assert rooms & set(ROOMS) <= ROOMS[room]


@pytest.mark.parametrize("layer", FOREIGN)
def test_a_layer_does_not_know_what_is_not_its_concern(layer: str) -> None:
    """The science knows no Dagster, the tables no DuckDB."""
    names = {name for file in files_of(layer) for name in imported(file)}
    assert {name.split(".")[0] for name in names} & FOREIGN[layer] == set()


def loaded_by(statement: str) -> set[str]:
    """The top-level modules in memory after a statement in a new process."""
    code = f"{statement}; import sys; print(*(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.process
def test_the_code_location_loads_without_tensorflow() -> None:
    """And without a single warning: importing TensorFlow would take seconds and 600 MB.

    Nor what only some assets compute and draw with.
    """
    loaded = loaded_by("import ncf_assets.definitions")
    assert "dagster" in loaded
    assert not {"tensorflow", "keras", "scipy", "matplotlib"} & loaded


@pytest.mark.process
def test_the_package_itself_imports_nothing() -> None:
    """The science is usable without Dagster."""
    assert not {"dagster", "duckdb", "tensorflow"} & loaded_by("import ncf_assets")


@pytest.mark.process
def test_the_path_of_dagsters_home_is_told_without_dagster() -> None:
    """`make ui` waits for it; Dagster is imported where its databases are made, once."""
    assert not {"dagster", "duckdb", "pandas"} & loaded_by("import ncf_assets.cli.dagster_home")


@pytest.mark.process
@pytest.mark.parametrize(
    "module",
    [
        "evaluation.evaluation_negatives",
        "evaluation.ranking",
        "evaluation.summary",
        "models.ease",
        "models.model_selection",
        "models.neighborhoods",
        "models.slist",
        "recommend.top_k",
        "training.cluster",
    ],
)
def test_plain_science_loads_neither_dagster_nor_tensorflow(module: str) -> None:
    """It is numpy and scipy alone."""
    loaded = loaded_by(f"import ncf_assets.ncf.{module}")
    assert not {"dagster", "duckdb", "tensorflow", "keras"} & loaded
