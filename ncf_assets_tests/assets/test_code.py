"""Code versions: they change with what makes an asset's rows, and with nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ncf_assets.assets import code
from ncf_assets.assets.code import code_version, modules_of


@pytest.fixture
def science(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a science in which `a` imports `b`, which imports a function of `c`."""
    monkeypatch.setattr(code, "ROOT", tmp_path)
    folder = tmp_path / "ncf"
    folder.mkdir()
    (folder / "a.py").write_text("from ncf_assets.ncf import b")
    (folder / "b.py").write_text("def f():\n    from ncf_assets.ncf.c import g")
    (folder / "c.py").write_text("import numpy")
    (folder / "d.py").write_text("from ncf_assets.ncf import a")
    yield folder
    code._imported.cache_clear()


@pytest.mark.parametrize(("changed", "differs"), [("a", True), ("c", True), ("d", False)])
def test_it_changes_with_what_is_imported(science: Path, changed: str, differs: bool) -> None:
    """Directly or by way of another, at the top or in a function; not with who imports it."""
    code._imported.cache_clear()
    before = code_version("ncf_assets.ncf.a", "a text")
    with (science / f"{changed}.py").open("a") as file:
        file.write("\n# a change")
    code._imported.cache_clear()
    assert (code_version("ncf_assets.ncf.a", "a text") != before) is differs
    assert code_version("ncf_assets.ncf.a", "another") != before


def test_draws_belong_to_what_draws() -> None:
    """The starting factors of iALS are drawn."""
    science = {"ncf_assets.ncf.ials", "ncf_assets.ncf.randomness"}
    assert modules_of("ncf_assets.ncf.ials") == science


def test_how_an_asset_is_shown_is_not_followed() -> None:
    """What wraps a table for Dagster changes none of its rows."""
    assert modules_of("ncf_assets.assets.split") == {"ncf_assets.assets.split"}


def test_a_module_that_there_is_not_is_named() -> None:
    """At the import of the assets, where a wrong name would else never change a version."""
    with pytest.raises(ModuleNotFoundError, match=r"ncf_assets\.ncf\.nmf is named as an asset's"):
        code_version("ncf_assets.ncf.nmf")
