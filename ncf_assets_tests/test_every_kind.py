"""Every kind of file of docs/datasets.md goes all the way: `add`, `materialize`, the report.

All files have the interactions of the tiny data set, and a last row that is none. What is made of
equal interactions is equal, by its content hash, so the models of the tiny data set are taken for
each; only plays, which have no ratings, are trained for themselves.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from ncf_assets.datasets import load
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf, tiny_folder
from ncf_assets_tests.running import DEFS
from ncf_assets_tests.tiny import copied, reviews

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

GRAPH = DEFS.resolve_asset_graph()
# of each kind: what follows from its own file; the rest is made from these alone
OWN = (
    "raw_reviews", "rejected_reviews", "latest_reviews", "filters", "users", "items",
    "interactions", "split_rule", "train", "validation", "test", "data_profile", "item_details",
)  # fmt: skip
Row = tuple[str, str, float, int]
ROWS: list[Row] = [
    (row["reviewerID"], row["asin"], row["overall"], row["unixReviewTime"]) for row in reviews()
]
NOBODY: Row = ("", "item00", 5.0, 1_400_025_600)  # no user


def separated(separator: str, header: str, unit: int = 1) -> Callable[[Path], None]:
    """Write text without quotes."""

    def write(file: Path) -> None:
        rows = [(u, i, f"{r:g}", str(t * unit)) for u, i, r, t in [*ROWS, NOBODY]]
        lines = [*filter(None, [header]), *(separator.join(row) for row in rows)]
        file.write_text("\n".join(lines) + "\n")

    return write


def json_lines(keys: Iterable[str], **more: Any) -> Callable[[Path], None]:
    """Write an object for each row."""

    def write(file: Path) -> None:
        with file.open("w") as lines:
            for row in [*ROWS, NOBODY]:
                lines.write(json.dumps(dict(zip(keys, row, strict=True)) | more) + "\n")

    return write


def frame() -> pd.DataFrame:
    """The rows with times as such."""
    found = pd.DataFrame([*ROWS, NOBODY], columns=["customer", "sku", "stars", "bought_at"])
    return found.assign(bought_at=pd.to_datetime(found["bought_at"], unit="s").astype("M8[us]"))


def parquet_folder(folder: Path) -> None:
    """Write two files, which are read as one."""
    folder.mkdir()
    rows = frame()
    rows[:20].to_parquet(folder / "a.parquet")
    rows[20:].to_parquet(folder / "b.parquet")


def shop(file: Path) -> None:
    """Write orders and their lines as two tables of DuckDB."""
    rows = frame().assign(order_id=range(len(ROWS) + 1))
    with duckdb.connect(file) as connection:
        connection.register("found", rows)
        connection.execute("create table orders as select order_id, customer, bought_at from found")
        connection.execute("create table order_lines as select order_id, sku, stars from found")


def sqlite(file: Path) -> None:
    """Write one table of SQLite, with times in seconds."""
    with sqlite3.connect(file) as connection:
        connection.execute("create table ratings (customer text, sku text, stars real, at integer)")
        connection.executemany("insert into ratings values (?, ?, ?, ?)", [*ROWS, NOBODY])
    connection.close()


def plays(file: Path) -> None:
    """Write plays, whose times are TIMESTAMPs, without ratings."""
    names = {"customer": "user", "sku": "artist", "bought_at": "played_at"}
    frame().drop(columns="stars").rename(columns=names).to_parquet(file)


JOIN = "select customer, sku, stars, bought_at from orders join order_lines using (order_id)"
TABLE = "select customer, sku, stars, datetime(at, 'unixepoch') as bought_at from ratings"
KINDS: dict[str, tuple[str, Callable[[Path], None], list[str]]] = {
    # name: file, what writes it, more words of `add`
    "MovieLens_1M": ("ratings.dat", separated("::", ""), []),
    "MovieLens": ("ratings.csv", separated(",", "userId,movieId,rating,timestamp"), []),
    "RecBole": (
        "ml.inter",
        separated("\t", "user_id:token\titem_id:token\trating:float\ttimestamp:float"),
        [],
    ),
    "Amazon_2023": (
        "Beauty.csv",
        separated(",", "user_id,parent_asin,rating,timestamp", 1000),
        [],
    ),
    "Amazon_2018": (
        "Beauty.json",
        json_lines(["reviewerID", "asin", "overall", "unixReviewTime"], vote=float("nan")),
        [],
    ),
    "Folder": ("orders", parquet_folder, ["--item", "sku"]),
    "Shop": ("shop.duckdb", shop, ["--query", JOIN, "--item", "sku"]),
    "SQLite": ("shop.sqlite", sqlite, ["--query", TABLE, "--item", "sku"]),
    "Events": ("events.jsonl", json_lines(["who", "what", "stars", "time"]), []),
}
COLUMNS = {
    "Folder": ["--user", "customer", "--rating", "stars", "--timestamp", "bought_at"],
    "Shop": ["--user", "customer", "--rating", "stars", "--timestamp", "bought_at"],
    "SQLite": ["--user", "customer", "--rating", "stars", "--timestamp", "bought_at"],
    "Events": ["--user", "who", "--item", "what", "--rating", "stars", "--timestamp", "time"],
}


COUNTS = {
    "Rows of the source": "52",
    "Rows rejected": "1",
    "Earlier rows of the same user and item, dropped": "1",
    "Users": "13",
    "Items": "12",
    "Interactions": "50",
    "Interactions for training": "26",
    "Interactions for validation": "12",
    "Interactions for testing": "12",
}
RATINGS = {"Lowest rating": "1", "Highest rating": "5", "Different ratings": "2"}


@pytest.fixture(scope="module")
def place(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The tiny data set, materialized, beside which the others are added."""
    return copied(made, tmp_path_factory.mktemp("data"))


def add(data: Path, name: str, file: Path, words: list[str]) -> None:
    """Add a dataset, as its user would."""
    done = ncf(data, "add", name, str(file), "--yes", *words)
    assert done.returncode == 0, done.stderr
    assert "is accepted" in done.stdout or "are accepted" in done.stdout


def report_of(place: Warehouse, name: str) -> str:
    """The report as Markdown, with single blanks."""
    text = place.existing("evaluation_report", name).with_name("report.md").read_text()
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def check_report(place: Warehouse, name: str, ratings: Mapping[str, str]) -> None:
    """The report counts as a hand does: 52 rows, one of them rejected, and one pair twice."""
    text = report_of(place, name)
    assert text.startswith(f"# {name.replace('_', ' ')}: evaluation")
    for label, figure in {**COUNTS, **ratings}.items():
        assert f"| {label} | {figure} |" in text
    assert "**NeuMF " in text  # what was found


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_file_goes_all_the_way(place: Warehouse, name: str) -> None:
    """What is read of it is what is read of the others, so its models are theirs."""
    file, write, words = KINDS[name]
    write(place.root / file)
    add(place.root, name, place.root / file, words + COLUMNS.get(name, []))
    done = ncf(place.root, "materialize", name, "--select", ",".join(OWN))
    assert done.returncode == 0, done.stdout + done.stderr
    for table in ("interactions", "train", "validation", "test"):
        mine, theirs = (place.get_provenance(table, of) for of in (name, "Sample"))
        assert mine.content_hash == theirs.content_hash, table
    take_from_sample(place, name)
    done = ncf(place.root, "materialize", name, "--select", "evaluation_report")
    assert done.returncode == 0, done.stdout + done.stderr
    check_report(place, name, RATINGS)


def take_from_sample(place: Warehouse, name: str) -> None:
    """Copy the tables and models of the tiny data set that are made from equal inputs."""
    assets = {key.to_user_string() for key in GRAPH.materializable_asset_keys}
    for asset in assets - {*OWN, "evaluation_report"}:
        folder = place.paths.folder(asset, "Sample")
        if folder.exists():
            shutil.copytree(folder, place.paths.folder(asset, name), symlinks=True)


def test_plays_without_ratings_go_all_the_way(tmp_path: Path) -> None:
    """Each row counts as one choice."""
    data = tiny_folder(tmp_path)
    plays(data / "plays.parquet")
    add(data, "Plays", data / "plays.parquet", ["--item", "artist"])
    assert load(data / "datasets.toml")["Plays"].columns.keys() == {"user", "item", "timestamp"}
    done = ncf(data, "materialize", "Plays", "--config", str(data / "run.yaml"), trains=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NeuMF" in done.stdout.splitlines()[-3]
    check_report(Warehouse(data), "Plays", {"Different ratings": "none: each row counts alike"})
