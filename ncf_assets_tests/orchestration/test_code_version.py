"""Code versions: they change with what makes an asset's rows, and with nothing else."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ncf_assets.assets import baselines, serve, split, train
from ncf_assets.orchestration import code_version as module
from ncf_assets.orchestration.code_version import code_version, definition_closure, module_closure

STAGE = """
from ncf_assets.ncf.a import fitted
from ncf_assets.orchestration.publish import AssetRun

LIMIT = 3

def asset(run: AssetRun):
    from ncf_assets.ncf import lazy
    return fitted(run, helper())

def helper():
    return LIMIT

def other():
    return 1
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose function `asset` uses a helper, a constant and two science modules.

    `a` imports `b`, which imports a function of `c`; nobody imports `d`.
    """
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for folder in ("ncf", "assets"):
        (tmp_path / folder).mkdir()
    (tmp_path / "assets" / "stage.py").write_text(STAGE)
    (tmp_path / "ncf" / "a.py").write_text("from ncf_assets.ncf import b")
    (tmp_path / "ncf" / "b.py").write_text("def f():\n    from ncf_assets.ncf.c import g")
    (tmp_path / "ncf" / "c.py").write_text("import numpy")
    (tmp_path / "ncf" / "d.py").write_text("from ncf_assets.ncf import a")
    (tmp_path / "ncf" / "lazy.py").write_text("")
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Have files read again that have changed."""
    module._imported.cache_clear()
    module._contents.cache_clear()


ASSET: Any = SimpleNamespace(__module__="ncf_assets.assets.stage", __name__="asset")


@pytest.mark.parametrize(
    ("file", "old", "new", "differs"),
    [
        ("assets/stage.py", "helper())", "helper(), 1)", True),  # the function
        ("assets/stage.py", "return LIMIT", "return LIMIT + 1", True),  # what it calls
        ("assets/stage.py", "LIMIT = 3", "LIMIT = 4", True),  # what that uses
        ("assets/stage.py", "return 1", "return 2", False),  # a neighbor in the file
        ("ncf/a.py", "import b", "import b  # changed", True),  # imported at the top
        ("ncf/lazy.py", "", "X = 1", True),  # imported in the function
        ("ncf/c.py", "import numpy", "import scipy", True),  # imported by what is imported
        ("ncf/d.py", "import a", "import a  # changed", False),  # who imports it
    ],
)
def test_a_version_changes_with_what_the_function_uses(
    package: Path, file: str, old: str, new: str, differs: bool
) -> None:
    """Directly or by way of another; not with what stands next to it."""
    before = code_version(ASSET, "a text")
    path = package / file
    path.write_text(path.read_text().replace(old, new, 1) if old else new)
    forget()
    assert (code_version(ASSET, "a text") != before) is differs
    assert code_version(ASSET, "another") != before


def test_draws_belong_to_what_draws() -> None:
    """The starting factors of iALS are drawn."""
    names = ("models.ials", "interactions", "parallel", "random_streams")
    science = {f"ncf_assets.ncf.{name}" for name in names}
    assert module_closure({"ncf_assets.ncf.models.ials"}) == science


@pytest.mark.parametrize(
    ("stage", "asset"), [(train, "ials_model"), (train, "neumf_model"), (serve, "served_model")]
)
def test_whoever_fits_the_factorization_is_followed(stage, asset: str) -> None:
    """What MLlib is asked for, too."""
    _, modules = definition_closure([(stage.__name__, asset)])
    own = {"ncf_assets.orchestration.factorization", "ncf_assets.ncf.models.mllib"}
    assert own <= module_closure(modules)


def test_how_an_asset_is_shown_is_not_followed() -> None:
    """What wraps a table for Dagster changes none of its rows."""
    definitions, modules = definition_closure([(split.__name__, "negatives")])
    assert {definition.module for definition in definitions} == {split.__name__}
    names = ("evaluation.evaluation_negatives", "interaction_set")
    assert modules == {f"ncf_assets.ncf.{name}" for name in names}


@pytest.mark.parametrize(
    ("stage", "asset", "trainer", "other"),
    [
        (train, "gmf_model", "epoch", "next_item"),
        (train, "neumf_model", "next_item", "training_data"),
        (serve, "served_model", "next_item", "training_data"),
    ],
)
def test_a_network_includes_how_networks_are_trained(
    stage, asset: str, trainer: str, other: str
) -> None:
    """The decorator trains; TensorFlow is not imported to find that out."""
    definitions, modules = definition_closure([(stage.__name__, asset)])
    assert f"ncf_assets.ncf.training.{trainer}" in modules
    assert f"ncf_assets.ncf.training.{other}" not in modules
    assert "ncf_assets.ncf.training.loop" in modules
    assert "ncf_assets.orchestration.fits" in modules
    assert any(found.text.startswith("class RecordedFitting") for found in definitions)


@pytest.mark.parametrize("asset", ["ease_model", "itemknn_model", "slist_model", "blend_model"])
def test_a_fitted_model_includes_what_its_fits_see(asset: str) -> None:
    """Also how it is chosen."""
    _, modules = definition_closure([(baselines.__name__, asset)])
    assert {"ncf_assets.orchestration.fits", "ncf_assets.ncf.models.model_selection"} <= modules
    assert "ncf_assets.ncf.interactions" in module_closure(modules)


def test_a_module_that_there_is_not_is_named(package: Path) -> None:
    """It would else never change a version."""
    (package / "ncf" / "a.py").unlink()
    with pytest.raises(ModuleNotFoundError, match=r"ncf_assets\.ncf\.a is imported as an asset's"):
        code_version(ASSET)
