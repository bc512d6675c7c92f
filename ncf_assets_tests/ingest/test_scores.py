"""Files of scores from outside: what is read of them, and every reason for which one is refused."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ncf_assets.ingest import scores
from ncf_assets.ingest.compression import SourceError
from ncf_assets_tests.drawn import database

LISTS = "user,item,score\n007,cap,0.5\n007,hat,-2\nben,cap,1e-3\n"  # ann is not tested


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Three users, of whom 007 and ben are tested, and three items."""
    found = database(
        {
            "users": [(0, "007", 3), (1, "ann", 2), (2, "ben", 3)],
            "items": [(0, "cap", 3), (1, "hat", 3), (2, "7", 2)],
            "test": [(0, 2, 3, 1, 3.0), (2, 0, 3, 1, 3.0)],
        }
    )
    with found:
        yield found


def written(folder: Path, text: str) -> Path:
    """A file of this text."""
    file = folder / "scores.csv"
    file.write_text(text)
    return file


def refused(connection: duckdb.DuckDBPyConnection, file: Path, *, dense_ids: bool = False) -> str:
    """Why a file is refused."""
    with pytest.raises(SourceError) as error:
        scores.read(connection, file, dense_ids=dense_ids)
    return str(error.value)


def rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int, float]]:
    """User, item and score of what is ranked."""
    found = scores.listed(connection)
    return sorted(
        zip(found.users.tolist(), found.items.tolist(), found.scores.tolist(), strict=True)
    )


def test_ids_are_texts_and_rows_of_others_are_not_ranked(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """007 keeps its zeros; ann, who is not tested, may have rows and needs none."""
    file = written(tmp_path, LISTS + "ann,7,9\n")
    assert scores.read(connection, file) == "score"
    assert rows(connection) == [(0, 0, 0.5), (0, 1, -2.0), (2, 0, 0.001)]
    assert connection.sql(scores.ROWS).fetchall() == [
        ("007", "cap", 0.5), ("007", "hat", -2.0), ("ann", "7", 9.0), ("ben", "cap", 0.001),
    ]  # fmt: skip


def test_a_position_is_a_score_below_those_before_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Position 1 is -1, which is the best; other columns are passed over."""
    file = written(tmp_path, "position,item,user,why\n1,hat,007,a\n2,cap,007,b\n1,cap,ben,c\n")
    assert scores.read(connection, file) == "position"
    assert rows(connection) == [(0, 0, -2.0), (0, 1, -1.0), (2, 0, -1.0)]


def test_numbers_are_ids_unless_they_are_said_to_be_dense(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Item 7 is an id; the dense numbers are 0 to 2, and 07 is none of them."""
    file = written(tmp_path, "user,item,score\n0,2,1\n2,0,1\n")
    reason = refused(connection, file)
    assert "users must be those of the dataset, found 2 that it lacks, such as '0'" in reason
    assert "numbers as users.user has them need --dense-ids" in reason
    scores.read(connection, file, dense_ids=True)
    assert rows(connection) == [(0, 2, 1.0), (2, 0, 1.0)]


def test_parquet_keeps_its_numbers(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A 32-bit float is not rounded; integers are ids as well as texts are."""
    file = tmp_path / "scores.parquet"
    connection.execute(
        "copy (select unnest(['007', 'ben']) as user, 7 as item, 0.1::float as score)"
        f" to '{file}' (format parquet)"
    )
    scores.read(connection, file)
    assert [score for *_, score in rows(connection)] == [0.10000000149011612] * 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("user,item,score\n", "it must have rows, found none"),
        (LISTS + ",cap,1\nben,,1\nben,hat,\n", "found 3 of 6 rows without, such as one that has"),
        (LISTS + "ben,7,much\n", "each score must be a finite number, found 1 of 4 that are not"),
        (LISTS + "ben,7,nan\nben,hat,-inf\n", "found 2 of 5 that are not, such as '-inf'"),
        (LISTS + "eve,cap,1\neve,hat,1\n", "found 1 that it lacks, such as 'eve'"),
        (LISTS + "ben,tie,1\nben,bag,1\n", "found 2 that it lacks, such as 'bag'"),
        (LISTS + "ben,cap,2\n", "found 1 that come again, such as 'ben' and 'cap'"),
        ("user,item,score\n007,cap,1\n", "found 1 of 2 without, such as 'ben'"),
        ("user,item,score,position\n007,cap,1,1\n", "and either score or position, found user,"),
        ("user,item,rank\n007,cap,1\n", "and either score or position, found user, item, rank"),
        ("user;item;score\n007;cap;1\n", "a CSV file are separated by commas"),
        ("user,item,position\n007,cap,0\nben,cap,1\n", "found 1 of 2 that are not, such as '0'"),
        ("user,item,position\n007,cap,1.5\nben,cap,1\n", "found 1 of 2 that are not, such as '1.5"),
        ("user,item,score\n007,cap,1,2\n", "cannot be read by DuckDB ("),
        ('{"user": "007", "item": "cap", "score": 1}\n', "must be a Parquet or CSV file"),
    ],
)
def test_a_file_is_refused_with_the_reason(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, reason: str
) -> None:
    """It names the file, counts what is wrong, and shows one."""
    said = refused(connection, written(tmp_path, text))
    assert said.startswith(str(tmp_path / "scores.csv"))
    assert reason in said


def test_all_reasons_are_told_at_once(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """So that nobody corrects a file four times."""
    file = written(tmp_path, "user,item,score\n007,cap,x\neve,tie,1\n")
    assert refused(connection, file).count("\n- ") == 4  # number, user, item, and ben is missing
