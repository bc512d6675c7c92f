"""The scores of models from outside are kept, replaced, shared and removed, file by file."""

from pathlib import Path

import duckdb
import pytest

from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.outside_scores import OutsideScores
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.warehouse import Warehouse

ORIGIN = OutsideScores("it's mine.csv", "ab" * 32, "score", 1)


def keep(place: Warehouse, model: str, score: float) -> None:
    """Keep one row as the scores of a model."""
    row = f"select 'ann' as user, 'cap' as item, {score} as score"
    with duckdb.connect() as connection:
        outside_scores.keep(place, "A", model, connection, row, ORIGIN)


def test_what_is_kept_says_where_it_comes_from(tmp_path: Path) -> None:
    """A second file of a model takes the place of the first; datasets have models of their own."""
    place = Warehouse(tmp_path)
    keep(place, "mine", 0.25)
    keep(place, "mine", 0.5)
    assert outside_scores.kept(place, "A") == {"mine": ORIGIN}
    assert outside_scores.kept(place, "B") == {}
    file = outside_scores.path(place, "A", "mine")
    assert duckdb.sql(f"select score from '{file}'").fetchall() == [(0.5,)]
    outside_scores.remove(place, "A", "mine")
    assert outside_scores.names(place, "A") == []


def test_a_damaged_file_names_the_remedy(tmp_path: Path) -> None:
    """It can still be taken out."""
    place = Warehouse(tmp_path)
    keep(place, "mine", 0.5)
    outside_scores.path(place, "A", "mine").write_bytes(b"PAR1")
    with pytest.raises(DamagedError, match=r"Take it out: ncf-assets evaluate A --remove mine$"):
        outside_scores.kept(place, "A")
    outside_scores.remove(place, "A", "mine")
