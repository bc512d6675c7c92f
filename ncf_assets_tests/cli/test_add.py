"""`ncf-assets add` shows a block, and writes it only after a yes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ncf_assets.cli import main
from ncf_assets.datasets import load, local_file

REGISTRY = '[Old]\nformat = "amazon-2014"\npath = "a.json"\n'


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with one dataset, next to a file of ratings."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path))
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n7,8,3.5,1400000000\n")
    (tmp_path / "datasets.toml").write_text(REGISTRY)
    return tmp_path / "datasets.toml"


def test_the_block_is_written_after_a_yes_alone(registry: Path) -> None:
    """It is shown with what its first rows are; the registry itself stays as it is."""
    arguments = ["Mine", str(registry.with_name("ratings.csv"))]
    refused = CliRunner().invoke(main, ["add", *arguments], input="n\n")
    assert refused.exit_code == 1
    assert 'timestamp_unit = "seconds"\n\n# of the first 1 rows 1 are accepted' in refused.output
    assert not local_file(registry).exists()
    done = CliRunner().invoke(main, ["add", *arguments], input="y\n")
    assert done.exit_code == 0, done.output
    assert "Now run: ncf-assets materialize Mine" in done.output
    assert list(load(registry)) == ["Old", "Mine"]
    assert registry.read_text() == REGISTRY
    assert load(registry)["Mine"].columns["item"] == "movieId"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("old", [], "there is a dataset old. Choose another name."),
        ("a-b", [], "[a-b]: a name has letters, digits and _ only. Choose another one."),
        ("Mine", ["--user", "nobody"], "must have the column `nobody`, found userId, movieId,"),
    ],
)
def test_what_cannot_be_added_is_named(
    registry: Path, name: str, options: list[str], message: str
) -> None:
    """Nothing is asked or written."""
    file = str(registry.with_name("ratings.csv"))
    done = CliRunner().invoke(main, ["add", name, file, "--yes", *options])
    assert done.exit_code == 1
    assert message in done.output
    assert registry.read_text() == REGISTRY


def test_nothing_is_added_below_what_cannot_be_read(registry: Path) -> None:
    """The new block would be left out with the rest of the file, which stays as it is."""
    own = local_file(registry)
    own.write_text("[Half\n")
    file = str(registry.with_name("ratings.csv"))
    done = CliRunner().invoke(main, ["add", "Mine", file, "--yes"])
    assert done.exit_code == 1
    assert f"Error: {own} must be TOML in UTF-8, found: " in done.output
    assert own.read_text() == "[Half\n"
