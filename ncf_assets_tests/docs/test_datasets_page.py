"""Each row of the table in docs/datasets.md reads the file that it is about."""

import gzip
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ncf_assets.datasets import load
from ncf_assets.ingest import source
from ncf_assets.ingest.compression import UNPACKED_LIMIT
from ncf_assets_tests.paths import ROOT

PAGE = ROOT / "docs/datasets.md"
DAY = datetime(2014, 5, 13)
SECONDS = 1_399_939_200  # DAY, in UTC


def parquet(select: str) -> Callable[[Path], object]:
    """Write the rows of a select."""
    return lambda file: duckdb.sql(f"copy ({select}) to '{file}' (format parquet)")


def text(content: str, *, gzipped: bool = False) -> Callable[[Path], object]:
    """Write a text."""
    content = content.format(seconds=SECONDS)
    return lambda file: file.write_bytes(
        gzip.compress(content.encode()) if gzipped else content.encode()
    )


def orders(folder: Path) -> None:
    """Write two files of Parquet, of which one has no row."""
    folder.mkdir()
    row = "select 7 as customer, '8' as sku, date '2014-05-13' as at"
    parquet(row)(folder / "a.parquet")
    parquet(f"{row} limit 0")(folder / "b.parquet")


def shop(file: Path) -> None:
    """Write two tables of a database."""
    with duckdb.connect(file) as connection:
        connection.execute("create table order_lines as select 1 as order_id, '8' as sku")
        connection.execute(
            "create table orders as"
            " select 1 as order_id, 7 as customer, date '2014-05-13' as bought_at"
        )


FILES = {
    "ratings.dat": text("7::8::4::{seconds}\n"),
    "ratings.csv": text("userId,movieId,rating,timestamp\n7,8,3.5,{seconds}\n"),
    "ml-100k.inter": text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\t8\t4\t{seconds}\n"
    ),
    "plays.parquet": parquet(
        "select 7 as user, 8 as artist, timestamp '2014-05-13 00:00:00' as played_at"
    ),
    "ratings_Beauty.csv": text("7,8,4.0,{seconds}\n"),
    "All_Beauty.csv.gz": text(
        "user_id,parent_asin,rating,timestamp\n7,8,4.0,{seconds}000\n", gzipped=True
    ),
    "All_Beauty.json.gz": text(
        '{{"overall": 4.0, "vote": NaN, "verified": true, "reviewerID": "7", "asin": "8",'
        ' "style": NaN, "unixReviewTime": {seconds}}}\n',
        gzipped=True,
    ),
    "events.jsonl": text('{{"customer": {{"id": 7}}, "sku": "8", "at": "2014-05-13"}}\n'),
    "orders/": orders,
    "shop.duckdb": shop,
}


def rows_of_the_page() -> dict[str, str]:
    """Return the block of each row by its path."""
    found = re.findall(r"^\| [^|`]+(?:`[^`]+`[^|]*)?\| (`format = .+?) \|$", PAGE.read_text(), re.M)
    blocks = [block.replace("`<br>`", "\n").strip("`") for block in found]
    return {re.findall(r'path = "(.+)"', block)[0]: block for block in blocks}


def test_every_row_has_a_file_here() -> None:
    """A row that is added needs one."""
    assert list(rows_of_the_page()) == list(FILES)


@pytest.mark.parametrize("path", FILES)
def test_a_row_reads_what_it_is_about(tmp_path: Path, path: str) -> None:
    """User 7 chose item 8 on one day; nothing is rejected."""
    FILES[path](tmp_path / path)
    registry = tmp_path / "datasets.toml"
    registry.write_text(f"[Mine]\n{rows_of_the_page()[path]}\n")
    files = source.files_of(tmp_path / path)
    with duckdb.connect() as connection:
        batches = list(
            source.read(files, load(registry)["Mine"], date(2024, 5, 6), UNPACKED_LIMIT, connection)
        )
    accepted = [row for batch in batches for row in batch.accepted.to_pylist()]
    assert [(row["user_id"], row["item_id"], row["timestamp"]) for row in accepted] == [
        ("7", "8", DAY)
    ]
    assert sum(batch.rejected.num_rows for batch in batches) == 0
