"""What is proposed for a file reads it as its owner would."""

import tomllib
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ncf_assets.datasets import Dataset, load
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.proposal import propose
from ncf_assets_tests.ingest.corpus import changed
from ncf_assets_tests.ingest.test_tables import TIME, WAYS, read_rows

TODAY = date(2024, 5, 6)
CLEAR = [
    way
    for way in WAYS
    if way[2].quote == '"' and way[0] not in ("columns to leave out", "nested JSON")
]


@pytest.mark.parametrize(("content", "by_hand"), [w[1:] for w in CLEAR], ids=[w[0] for w in CLEAR])
def test_a_proposal_reads_what_a_person_would_write(
    tmp_path: Path, content: bytes, by_hand: Dataset
) -> None:
    """The block goes through the registry, and gives the row that the block by hand gives."""
    file, registry = tmp_path / "it's a file", tmp_path / "datasets.toml"
    file.write_bytes(content)
    proposal = propose(file, {}, TODAY)
    registry.write_text(proposal.block("Mine"))
    dataset = load(registry)["Mine"]
    assert read_rows(dataset, file) == ([(1, "7", "8", 3.5, TIME)], [])
    assert dataset.timestamp_unit == by_hand.timestamp_unit
    assert proposal.found[0] == "of the first 1 rows 1 are accepted"
    assert "times from 2014-05-13 16:53:20 to 2014-05-13 16:53:20 (UTC)" in proposal.found


def test_amazons_files_are_known(tmp_path: Path) -> None:
    """By their keys."""
    (tmp_path / "a").write_bytes(changed())
    assert propose(tmp_path / "a", {}, TODAY).keys["format"] == "amazon-2014"


def test_parquet_has_names_and_types(tmp_path: Path) -> None:
    """A column is named by hand where its name says nothing; one of ratings need not be there."""
    file = tmp_path / "p"
    duckdb.sql(f"copy (select 7 as who, 8 as sku, now() as played_at) to '{file}' (format parquet)")
    with pytest.raises(SourceError, match=r"found who, sku, played_at\. Say which .* with --user"):
        propose(file, {}, TODAY)
    proposal = propose(file, {"user": "who"}, date(2100, 1, 1))
    keys = proposal.keys
    assert "no ratings: each row counts as 1" in proposal.found
    assert keys["columns"] == {"user": "who", "item": "sku", "timestamp": "played_at"}
    assert "timestamp_unit" not in keys


@pytest.mark.parametrize("content", [b"a\nb\n", b"a b c\n"])
def test_what_has_no_fields_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message shows the first line."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(
        SourceError, match="must have 3 fields or more a line, as many in each, fou"
    ):
        propose(tmp_path / "a", {}, TODAY)


def test_a_field_in_quotes_may_have_the_separator(tmp_path: Path) -> None:
    """So that lines have other numbers of commas; a name may have a quote itself."""
    file = tmp_path / "a"
    file.write_bytes(b'user,rating,"a ""title"", or none",timestamp\n7,8,Round,2014-05-13\n')
    proposal = propose(file, {"item": 'a "title", or none'}, TODAY)
    assert proposal.keys["columns"]["item"] == 'a "title", or none'
    assert proposal.found[0] == "of the first 1 rows 1 are accepted"


@pytest.mark.parametrize("before", [b"\n", b" \r\n" * 99])
def test_json_may_begin_with_blank_lines(tmp_path: Path, before: bytes) -> None:
    """The first object has the keys; it may be longer than a block of 256 KiB."""
    file = tmp_path / "a"
    long = b"x" * (300 << 10)
    file.write_bytes(before + b'{"user": 7, "text": "%b", "item": 8, "time": "2014-05-13"}' % long)
    assert propose(file, {}, TODAY).keys["columns"]["timestamp"] == "time"


def test_json_over_several_lines_is_refused(tmp_path: Path) -> None:
    """The message shows the first line."""
    (tmp_path / "a").write_bytes(b'{\n "user": 7}')
    with pytest.raises(SourceError, match=r"must have a JSON object in each line, found '\{'"):
        propose(tmp_path / "a", {}, TODAY)


def test_texts_that_toml_would_misread_are_escaped(tmp_path: Path) -> None:
    """A tab, and a quote in the name of the file."""
    file = tmp_path / 'a "quoted" file'
    file.write_bytes(b"user\titem\ttime\n7\t8\t2014-05-13\n")
    block = tomllib.loads(propose(file, {}, TODAY).block("X"))["X"]
    assert (block["separator"], block["path"]) == ("\t", str(file))


def test_a_folder_is_proposed_by_its_first_file(tmp_path: Path) -> None:
    """The rows of all its files are looked at."""
    folder = tmp_path / "orders"
    folder.mkdir()
    for user in (7, 8):
        row = f"select {user} as customer, 1 as sku, timestamp '2014-05-13' as bought_at"
        duckdb.sql(f"copy ({row}) to '{folder}/{user}.parquet'")
    proposal = propose(folder, {}, TODAY)
    assert proposal.keys["path"] == str(folder)
    assert proposal.keys["columns"]["user"] == "customer"
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(SourceError, match=r"orders has no file\. Name a file, or a folder"):
        propose(folder, {}, TODAY)


def test_a_file_of_which_too_much_is_rejected_is_told_to_stop_a_run(tmp_path: Path) -> None:
    """Of 5 rows one may have no item, 20 %; of 4 it may not."""
    row = b"7,8,1400000000\n"
    for n_good, warned in ((4, False), (3, True)):
        file = tmp_path / f"{n_good}.csv"
        file.write_bytes(b"user,item,time\n" + n_good * row + b"7,,1400000000\n")
        found = propose(file, {}, TODAY).found
        assert any("a run stops where more than 20%" in line for line in found) == warned


JOIN = "select customer, sku, bought_at from orders join order_lines using (order_id)"


def test_a_query_over_a_database_is_proposed_with_its_columns(tmp_path: Path) -> None:
    """A database alone is not enough, and a query with a fault is told as DuckDB tells it."""
    file, registry = tmp_path / "shop.duckdb", tmp_path / "datasets.toml"
    with duckdb.connect(file) as shop:
        shop.execute("create table order_lines as select 1 as order_id, '8' as sku")
        shop.execute(
            "create table orders as"
            " select 1 as order_id, '7' as customer, timestamp '2014-05-13 16:53:20' as bought_at"
        )
    with pytest.raises(SourceError, match=r"is a database, and a query .*\. Give it with --query"):
        propose(file, {}, TODAY)
    with pytest.raises(SourceError, match=r"the query cannot be run by DuckDB .*\. Correct it"):
        propose(file, {}, TODAY, "select customer, sku, at from orders")  # `at` is a keyword
    registry.write_text(propose(file, {}, TODAY, JOIN).block("Shop"))
    assert read_rows(load(registry)["Shop"], file) == ([(1, "7", "8", 1.0, TIME)], [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"user,item,time\n", "has no row below its header"),
        (
            b"user,item,time\n\xfc7,8,1400000000\n",
            "none of the first 1 rows of .* is accepted; row 1 is rejected: not UTF-8. Correct",
        ),
    ],
)
def test_a_file_without_an_accepted_row_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """A block for it would be of no use."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        propose(tmp_path / "a", {}, TODAY)


def test_a_query_over_text_sees_it_by_its_separator(tmp_path: Path) -> None:
    """Dates of another form are read by it; its table has the name of the file."""
    file, registry = tmp_path / "orders.csv", tmp_path / "datasets.toml"
    file.write_text("who;what;day\n" + "7;8;07.10.2017\n" * 3)
    with pytest.raises(SourceError, match=r"not a time .*, or read them by --query with strptime"):
        propose(file, {"user": "who", "item": "what", "timestamp": "day"}, TODAY)
    query = "select who as user, what as item, strptime(day, '%d.%m.%Y') as timestamp from {}"
    with pytest.raises(SourceError, match=r"It sees orders\. Correct it"):
        propose(file, {}, TODAY, query.format("nothing"))
    registry.write_text(propose(file, {}, TODAY, query.format("orders")).block("Orders"))
    row = ("7", "8", 1.0, datetime(2017, 10, 7))
    accepted, rejected = read_rows(load(registry)["Orders"], file)
    assert ([rest for _, *rest in accepted], rejected) == ([[*row]] * 3, [])
