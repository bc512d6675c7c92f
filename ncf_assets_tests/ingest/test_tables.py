"""Tables of other people: every row comes out once, accepted or rejected with its reason."""

import gzip
import json
import sqlite3
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ncf_assets.datasets import ROLES, Dataset
from ncf_assets.ingest.compression import UNPACKED_LIMIT, SourceError
from ncf_assets.ingest.reader import ACCEPTED, REJECTED
from ncf_assets.ingest.source import batches, read, rows
from ncf_assets_tests.paths import ROOT

TODAY = date(2024, 5, 6)
COLUMNS = {"user": "u", "item": "i", "rating": "r", "timestamp": "t"}
UNRATED = {"user": "u", "item": "i", "timestamp": "t"}
TIME = datetime(2014, 5, 13, 16, 53, 20)  # 1,400,000,000 s
HEADER = b"u,i,r,t\n"


def table(columns: Any = COLUMNS, **keys: Any) -> Dataset:
    """A dataset of the format table; columns without names are in the order of a file."""
    if isinstance(columns, list):
        keys["order"] = tuple(columns)
        columns = {role: role for role in ROLES if role in columns}
    return Dataset("X", "X", "table", columns=columns, **keys)


def read_rows(dataset: Dataset, *files: Path) -> tuple[list[Any], list[Any]]:
    """The accepted and the rejected rows of files."""
    accepted, rejected = [], []
    with duckdb.connect() as connection:
        for batch in read(files, dataset, TODAY, UNPACKED_LIMIT, connection):
            assert batch.accepted.schema == ACCEPTED
            assert batch.rejected.schema == REJECTED
            accepted += [tuple(row.values()) for row in batch.accepted.to_pylist()]
            rejected += [tuple(row.values()) for row in batch.rejected.to_pylist()]
    return accepted, rejected


def read_bytes(folder: Path, content: bytes, dataset: Dataset) -> tuple[list[Any], list[Any]]:
    """The accepted and the rejected rows of a file with this content."""
    (folder / "table").write_bytes(content)
    return read_rows(dataset, folder / "table")


def message(folder: Path, content: bytes, dataset: Dataset) -> str:
    """Why a file with this content is refused."""
    with pytest.raises(SourceError) as error:
        read_bytes(folder, content, dataset)
    return str(error.value)


SECONDS: dict[str, Any] = {"timestamp_unit": "seconds"}
WAYS = [
    # what people have, its first row, what they write
    ("MovieLens 1M", b"7::8::3.5::1400000000", table(list(ROLES), separator="::", **SECONDS)),
    ("Amazon 2014, ratings only", b"7,8,3.5,1400000000", table(list(ROLES), **SECONDS)),
    (
        "columns to leave out",
        b"x,7,y,8,3.5,1400000000",
        table(["_", "user", "_", *ROLES[1:]], **SECONDS),
    ),
    (
        "MovieLens 25M",
        b"userId,movieId,rating,timestamp\r\n7,8,3.5,1400000000\r\n",
        table(
            {"user": "userId", "item": "movieId", "rating": "rating", "timestamp": "timestamp"},
            **SECONDS,
        ),
    ),
    (
        "RecBole",
        b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\t8\t3.5\t1400000000.0\n",
        table(
            {
                "user": "user_id:token",
                "item": "item_id:token",
                "rating": "rating:float",
                "timestamp": "timestamp:float",
            },
            separator="\t",
            **SECONDS,
        ),
    ),
    (
        "Amazon 2023, ratings only",
        b"user_id,parent_asin,rating,timestamp\n7,8,3.5,1400000000000\n",
        table(
            {
                "user": "user_id",
                "item": "parent_asin",
                "rating": "rating",
                "timestamp": "timestamp",
            },
            timestamp_unit="milliseconds",
        ),
    ),
    ("times as text", HEADER + b'7,8,3.5,"2014-05-13 16:53:20"', table()),
    ("times with a zone", HEADER + b"7,8,3.5,2014-05-13T18:53:20+02:00", table()),
    ("a byte order mark", b"\xef\xbb\xbf" + HEADER + b"7,8,3.5,2014-05-13 16:53:20", table()),
    ("gzip", gzip.compress(HEADER + b"7,8,3.5,2014-05-13 16:53:20\n"), table()),
    (
        "names in single quotes",
        b"'u, the user','i','r','t'\n7,8,3.5,'2014-05-13 16:53:20'\n",
        table(COLUMNS | {"user": "u, the user"}, quote="'"),
    ),
    (
        "a name that begins with a quote",
        b'"u,i,r,t\n7,8,3.5,2014-05-13 16:53:20\n',
        table(COLUMNS | {"user": '"u'}, quote=""),
    ),
    ("JSON lines", b'{"u": 7, "i": "8", "r": 3.5, "t": 1400000000}', table(**SECONDS)),
    (
        "nested JSON",
        b'{"u": {"id": 7}, "i": 8, "r": 3.5, "t": "2014-05-13T16:53:20Z", "x": NaN}\n',
        table(COLUMNS | {"user": "/u/id"}),
    ),
]


@pytest.mark.parametrize(
    ("content", "dataset"), [way[1:] for way in WAYS], ids=[w[0] for w in WAYS]
)
def test_what_people_have_gives_the_same_row(
    tmp_path: Path, content: bytes, dataset: Dataset
) -> None:
    """User 7 gives item 8 a rating of 3.5, on 2014-05-13 16:53:20 UTC."""
    assert read_bytes(tmp_path, content, dataset) == ([(1, "7", "8", 3.5, TIME)], [])


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        ("1400000000.000001::double", "seconds"),
        ("1400000000000001::bigint", "microseconds"),
        ("1400000000000001000::bigint", "nanoseconds"),
        ("'2014-05-13 16:53:20.000001'::timestamp", None),
        ("'2014-05-13 16:53:20.000001'::timestamp_ns", None),
        ("'2014-05-13 18:53:20.000001+02'::timestamptz", None),
        ("'2014-05-13 16:53:20.000001'", None),
    ],
)
def test_a_time_is_told_by_its_type_or_a_stated_unit(
    tmp_path: Path, time: str, unit: str | None
) -> None:
    """It keeps its microsecond; without ratings each row has the rating 1."""
    file = tmp_path / "it's [1] table*"  # a name that needs quoting
    duckdb.sql(f"copy (select 7 as u, 8 as i, {time} as t) to '{tmp_path}/plain' (format parquet)")
    (tmp_path / "plain").rename(file)
    accepted, rejected = read_rows(table(UNRATED, timestamp_unit=unit), file)
    assert (accepted, rejected) == ([(1, "7", "8", 1.0, TIME.replace(microsecond=1))], [])


def test_a_date_is_the_start_of_its_day(tmp_path: Path) -> None:
    """As Amazon's whole days are."""
    duckdb.sql(f"copy (select 7 as u, 8 as i, date '2014-05-13' as t) to '{tmp_path}/p.parquet'")
    [(*_, time)], _ = read_rows(table(UNRATED), tmp_path / "p.parquet")
    assert time == datetime(2014, 5, 13)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"7,8,3", "fewer fields than columns"),
        (b"7,8,3,1400000000,1", "more fields than columns"),
        (b"\xff,8,3,1400000000", "not UTF-8"),
        (b",8,3,1400000000", "empty `u`"),
        (b'7," ",3,1400000000', "empty `i`"),
        (b"7,8,,1400000000", "`r` is not a number"),
        (b"7,8,good,1400000000", "`r` is not a number"),
        (b"7,8,nan,1400000000", "`r` is nan, not a finite number"),
        (b"7,8,-inf,1400000000", "`r` is -inf, not a finite number"),
        (b"7,8,3,", "empty `t`"),
        (b"7,8,3,2014-05-13", "`t` is 2014-05-13, not a number of seconds"),
        (b"7,8,3,nan", "`t` is nan, not a number of seconds"),
        (b"7,8,3,-5", "time -5 is not in seconds between 1971-01-01 and tomorrow"),
        (
            b"7,8,3,1400000000000",
            "time 1400000000000 is not in seconds between 1971-01-01 and tomorrow (milliseconds?)",
        ),
        (b"7,8,3,1e300", "`t` is 1e300, not a number of seconds"),
    ],
)
def test_a_row_is_rejected_with_its_number_reason_and_text(
    tmp_path: Path, row: bytes, reason: str
) -> None:
    """It is the second of three rows; the header has no number."""
    good = b"7,8,3,1400000000\n"
    accepted, rejected = read_bytes(tmp_path, HEADER + good + row + b"\n" + good, table(**SECONDS))
    assert [number for number, *_ in accepted] == [1, 3]
    assert [(number, why) for number, why, _ in rejected] == [(2, reason)]
    for value in row.decode(errors="ignore").split(","):
        assert value in rejected[0][2]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\x1f", "\u00a0", "\u3000 \n"])
def test_a_blank_is_no_id_in_a_table_as_in_json(tmp_path: Path, blank: str) -> None:
    """A blank is what Python's strip leaves nothing of; an id may have some around it."""
    rows = f'"{blank}",8,3,1400000000\n7,"{blank}",3,1400000000\n"{blank}7",8,3,1400000000\n'
    accepted, rejected = read_bytes(tmp_path, HEADER + rows.encode(), table(**SECONDS))
    assert [(number, why) for number, why, _ in rejected] == [(1, "empty `u`"), (2, "empty `i`")]
    assert accepted == [(3, f"{blank}7", "8", 3.0, TIME)]
    line = json.dumps(
        {"reviewerID": blank, "asin": "8", "overall": 3, "unixReviewTime": 14 * 10**8}
    )
    found = read_bytes(tmp_path, line.encode(), Dataset("X", "X", "amazon-2014"))
    assert [why for _, why, _ in found[1]] == ["empty `reviewerID`"]


def test_a_number_without_a_unit_is_no_time(tmp_path: Path) -> None:
    """A text is looked at row by row, a column of numbers at once."""
    _, rejected = read_bytes(tmp_path, HEADER + b"7,8,3,1400000000", table())
    assert rejected[0][1] == "`t` is 1400000000, not a time (a number needs `timestamp_unit`)"
    duckdb.sql(f"copy (select 7 as u, 8 as i, 9 as t) to '{tmp_path}/p.parquet'")
    with pytest.raises(SourceError, match=r"`t` is a number by its type \(INTEGER\), and its unit"):
        read_rows(table(UNRATED), tmp_path / "p.parquet")


def test_json_lines_are_rejected_with_their_text(tmp_path: Path) -> None:
    """Blank lines, what is no JSON, and keys that are missing."""
    lines = [b'{"u": 7}', b"", b'{"u', b'{"u": 7, "i": 8, "r": "x", "t": 1400000000}']
    _, rejected = read_bytes(tmp_path, b"\n".join(lines), table(**SECONDS))
    assert rejected == [
        (1, "empty `i`", '{"u": 7}'),
        (2, "blank line", ""),
        (3, "not JSON", '{"u'),
        (4, "`r` is not a number", '{"u": 7, "i": 8, "r": "x", "t": 1400000000}'),
    ]


def test_many_rows_keep_their_order_and_numbers(tmp_path: Path) -> None:
    """Half a million rows, of which each 1,000th lacks a field; a quoted value has a line's end."""
    n = 500_000
    lines = [f'u{k},"i\n{k}",1,1400000000' if k % 1000 else f"u{k},i" for k in range(1, n + 1)]
    accepted, rejected = read_bytes(tmp_path, HEADER + "\n".join(lines).encode(), table(**SECONDS))
    assert [number for number, *_ in rejected] == list(range(1000, n + 1, 1000))
    assert all(user == f"u{number}" for number, user, *_ in accepted)
    assert len(accepted) == n - n // 1000


def test_several_files_are_read_by_name_and_numbered_through(tmp_path: Path) -> None:
    """Each has its own header; in tasks, as on Spark, they give the same."""
    (tmp_path / "1.csv").write_bytes(HEADER + b"a,b,1,1400000000\nbad\n")
    (tmp_path / "2.csv").write_bytes(b"t,u,i,r\n1400000000,c,d,2\n")
    files, dataset = [tmp_path / "1.csv", tmp_path / "2.csv"], table(**SECONDS)
    accepted, rejected = read_rows(dataset, *files)
    assert [row[:3] for row in accepted] == [(1, "a", "b"), (3, "c", "d")]
    assert rejected == [(2, "fewer fields than columns", "bad")]
    by_task = [row for k in (0, 1) for row in rows(files, dataset, TODAY, UNPACKED_LIMIT, k)]
    assert [b.accepted.to_pylist() for b in batches(by_task) if b.accepted.num_rows][1][0][
        "line"
    ] == 3


def test_a_query_joins_the_tables_of_a_database(tmp_path: Path) -> None:
    """Its rows are sorted before they are numbered, so that equal tables give equal rows."""
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(file) as database:
        database.sql(
            "create table orders as select 1 as id, 'ann' as u, timestamp '2014-05-13' as t"
        )
        database.sql(
            "create table lines as from (values (1, 'hat'), (1, 'cap'), (2, 'tie')) l(id, i)"
        )
    dataset = table(UNRATED, query="select * from lines join orders using (id);")
    accepted, rejected = read_rows(dataset, file)
    assert [row[:3] for row in accepted] == [(1, "ann", "cap"), (2, "ann", "hat")]
    assert rejected == []


def test_a_query_over_sqlite_needs_no_extension(tmp_path: Path) -> None:
    """Python's own SQLite runs it; all values are texts."""
    file = tmp_path / "shop.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("create table plays (u, i, t)")
        plays = [(1, "a", 1_400_000_000), (None, "b", 1_400_000_000)]
        database.executemany("insert into plays values (?, ?, ?)", plays)
    database.close()
    dataset = table(UNRATED, query="select * from plays", **SECONDS)
    accepted, rejected = read_rows(dataset, file)
    assert accepted == [(1, "1", "a", 1.0, TIME)]
    assert [row[:2] for row in rejected] == [(2, "empty `u`")]
    with pytest.raises(SourceError, match=r"SQLite cannot run the query \(no such table: x\)"):
        read_rows(table(UNRATED, query="select * from x"), file)


def test_a_query_over_files_calls_them_by_their_names(tmp_path: Path) -> None:
    """It sees these files and no others."""
    (tmp_path / "orders.csv").write_bytes(b"id,u,t\n1,ann,2014-05-13\n")
    (tmp_path / "lines.jsonl").write_bytes(b'{"id": 1, "i": "hat"}\n')
    (tmp_path / "other.csv").write_bytes(b"secret\n")
    files = [tmp_path / "lines.jsonl", tmp_path / "orders.csv"]
    query = "select * from orders join lines on orders.id::int = lines.id"
    accepted, _ = read_rows(table(UNRATED, query=query), *files)
    assert [row[:3] for row in accepted] == [(1, "ann", "hat")]
    with pytest.raises(SourceError, match="Cannot access file"):
        read_rows(table(UNRATED, query=f"from read_csv('{tmp_path}/other.csv')"), *files)


@pytest.mark.parametrize(
    ("content", "dataset", "words"),
    [
        (
            b"user;item\n",
            table(),
            "must have the column `u`, found user;item. Correct `columns` or",
        ),
        (
            b"u\ti\tr\tt\n",
            table(),
            'must have the column `u`, found "u\\ti\\tr\\tt". Set separator = "\\t" of [X] in',
        ),
        (
            HEADER + b'"7,8,3,2014-05-13\n' * 3,
            table(),
            "a quote in row 1 is not closed, and takes all that follows it. Correct the file, or"
            ' set quote = ""',
        ),
        (b'{"u": 1}', table(list(ROLES)), "has names for its values, found a list of `columns`"),
        (
            gzip.compress(HEADER * 99, mtime=0)[:-9],
            table(),
            "cannot be read by DuckDB (IO Error: Unexpected",
        ),
        (b"PK\x03\x04", table(), "must be plain UTF-8 or gzip, found zip. Convert it first"),
        (b"", table(), "is empty. Download it again"),
        (HEADER, table(UNRATED, query="select u from nothing"), "Table with name nothing does not"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, dataset: Dataset, words: str
) -> None:
    """The message names the file or the query, and the remedy."""
    found = message(tmp_path, content, dataset)
    assert words in found
    assert "table" in found or "query" in found


def test_types_that_do_not_fit_the_registry_are_refused(tmp_path: Path) -> None:
    """A unit belongs to numbers, and a list is no time; a database needs a query."""
    duckdb.sql(f"copy (select 1 as u, 2 as i, now() as t, [1] as l) to '{tmp_path}/p.parquet'")
    file = tmp_path / "p.parquet"
    with pytest.raises(SourceError, match=r"`t` is a time by its type \(TIMESTAMP WITH"):
        read_rows(table(UNRATED, **SECONDS), file)
    with pytest.raises(SourceError, match=r"`l` must be a time or a number, found INTEGER\[\]"):
        read_rows(table(UNRATED | {"timestamp": "l"}), file)
    duckdb.connect(tmp_path / "d.duckdb").close()
    with pytest.raises(SourceError, match="is a database, and a query must say which of its rows"):
        read_rows(table(), tmp_path / "d.duckdb")


@pytest.mark.parametrize("query", [None, "select * from t"])
def test_a_table_that_unpacks_to_more_than_allowed_is_refused(
    tmp_path: Path, query: str | None
) -> None:
    """A file of 40 kB unpacks to 40 MB; only one that might is unpacked to see."""
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(HEADER + b"x" * 40_000_000))
    with (
        duckdb.connect() as connection,
        pytest.raises(SourceError, match=r"must unpack to 0.001 GB at most, and its first"),
    ):
        list(read([file], table(query=query, **SECONDS), TODAY, 1_000_000, connection))


MOVIELENS = ROOT.parent / "shared" / "data" / "ml-1m"  # next to the repository


@pytest.mark.skipif(not MOVIELENS.is_dir(), reason=f"no real data: {MOVIELENS} does not exist")
def test_ratings_of_movielens_have_the_published_counts(tmp_path: Path) -> None:
    """Its pairs, as `ratings.dat` has them: 6,040 users, 3,706 items and 1,000,209 rows.

    The half of the pairs that NCF's authors train on has neither ratings nor times.
    """
    train = [
        line.split(b"\t")
        for line in gzip.decompress((MOVIELENS / "train.pairs.tsv.gz").read_bytes()).splitlines()
    ]
    test = [
        line.split(b"\t")
        for line in gzip.decompress((MOVIELENS / "test.rating.gz").read_bytes()).splitlines()
    ]
    rows = [b"::".join([user, item, b"3.5", b"978300174"]) for user, item in train]
    rows += [b"::".join(row) for row in test]
    (tmp_path / "ratings.dat").write_bytes(b"\n".join(rows) + b"\n")
    columns, n, users, items = list(ROLES), 0, set[str](), set[str]()
    assert columns == ["user", "item", "rating", "timestamp"]
    with duckdb.connect() as connection:
        dataset = table(columns, separator="::", **SECONDS)
        for batch in read([tmp_path / "ratings.dat"], dataset, TODAY, UNPACKED_LIMIT, connection):
            assert not batch.rejected.num_rows
            assert batch.accepted["line"].to_pylist() == list(
                range(n + 1, n + 1 + batch.accepted.num_rows)
            )
            n += batch.accepted.num_rows
            users |= set(batch.accepted["user_id"].unique().to_pylist())
            items |= set(batch.accepted["item_id"].unique().to_pylist())
    assert (len(users), len(items), n) == (6_040, 3_706, 1_000_209)
