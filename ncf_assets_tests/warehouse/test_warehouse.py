"""Publishing, reading and showing tables, on a folder of the test's own."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ncf_assets.warehouse import NotMaterializedError, Stamp, Warehouse
from ncf_assets.warehouse.lineage import broken_links, origins

ROWS = {"item": [0, 1], "item_id": ["cap", 'h"a\tt'], "n_interactions": [2, 1]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse, in a folder whose name wants quoting."""
    return Warehouse(tmp_path / "it's [1] data*")


def write(
    warehouse: Warehouse,
    dataset: str = "A",
    table: str = "items",
    rows: dict[str, list] = ROWS,
    inputs: dict[str, str] | None = None,
) -> Stamp:
    """Publish rows with a plain stamp."""
    with warehouse.draft(table, dataset) as draft:
        draft.write([pa.RecordBatch.from_pydict(rows)])
        stamp = draft.finish(code="c", inputs=inputs or {}, config={"seed": 1}, run_id="r")
        draft.publish()
    warehouse.refresh_catalogue()
    return stamp


def query(warehouse: Warehouse, text: str) -> list:
    """What the catalogue answers."""
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
        return connection.execute(text).fetchall()


def test_what_is_written_is_read_back(warehouse: Warehouse) -> None:
    """Rows, types of the header, and the stamp."""
    stamp = write(warehouse)
    frame = warehouse.read("items", "A")
    assert frame.to_dict("list") == ROWS
    assert str(frame["item"].dtype) == "int32"
    assert warehouse.stamp("items", "A") == stamp
    assert (stamp.rows, stamp.config) == (2, {"seed": 1})


def test_the_content_hash_follows_the_values_alone(warehouse: Warehouse) -> None:
    """The same rows in two batches hash alike; another value, or text moved across cells, not."""
    stamp = write(warehouse)
    with warehouse.draft("items", "B") as draft:
        for row in pa.RecordBatch.from_pydict(ROWS), pa.RecordBatch.from_pydict(ROWS):
            draft.write([row.slice(len(row) * 0 + draft.rows, 1)])
        assert draft.finish(code="d", inputs={}, config={}, run_id="s").content == stamp.content
    moved = ROWS | {"item_id": ["caph", '"a\tt']}
    assert write(warehouse, "C", rows=moved).content != stamp.content
    assert write(warehouse, "D", rows=ROWS | {"n_interactions": [2, 2]}).content != stamp.content


def test_an_unpublished_draft_leaves_the_old_partition_and_no_file(warehouse: Warehouse) -> None:
    """An error between writing and publishing."""
    old = write(warehouse)

    def fail() -> None:
        with warehouse.draft("items", "A") as draft:
            draft.write([pa.RecordBatch.from_pydict(ROWS)])
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert warehouse.stamp("items", "A") == old
    assert [path.name for path in warehouse.folder("items", "A").iterdir()] == ["data.parquet"]


def test_nulls_are_refused_where_the_header_says_never(warehouse: Warehouse) -> None:
    """The error names the column and the remedy."""
    with pytest.raises(ValueError, match=r"items.item_id is never null, found 1 nulls; mark it"):
        write(warehouse, rows=ROWS | {"item_id": ["cap", None]})


def test_other_columns_than_the_header_are_refused(warehouse: Warehouse) -> None:
    """The error names both sets."""
    with pytest.raises(ValueError, match="the rows have item, name"):
        write(warehouse, rows={"item": [1], "name": ["cap"]})


def test_a_missing_partition_names_the_command_that_makes_it(warehouse: Warehouse) -> None:
    """Neither a bare FileNotFoundError nor an empty table."""
    with pytest.raises(NotMaterializedError, match="ncf-assets materialize A --select items"):
        warehouse.read("items", "A")


def test_the_catalogue_shows_all_datasets_with_comments(warehouse: Warehouse) -> None:
    """One view, the partition as a column, text of the header as comments."""
    write(warehouse, "A")
    write(warehouse, "B")
    assert query(warehouse, "select dataset, item from items order by all") == [
        ("A", 0),
        ("A", 1),
        ("B", 0),
        ("B", 1),
    ]
    comment = query(warehouse, "select comment from duckdb_views() where view_name = 'items'")
    assert comment[0][0].startswith("Every item with at least one accepted review")
    uncommented = "select * from duckdb_columns() where table_name = 'items' and comment is null"
    assert query(warehouse, uncommented) == []


def test_an_open_shell_keeps_working_and_sees_new_datasets(warehouse: Warehouse) -> None:
    """A read-write connection stays open while a table appears and the catalogue is replaced."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.database)) as shell:
        inode = warehouse.database.stat().st_ino
        write(warehouse, "B")
        assert warehouse.database.stat().st_ino == inode  # a new dataset alone rebuilds nothing
        users = {"user": [0], "user_id": ["ann"], "n_interactions": [2]}
        write(warehouse, "A", "users", users)
        assert warehouse.database.stat().st_ino != inode
        assert shell.execute("select count(*) from items").fetchall() == [(4,)]
    assert query(warehouse, "select count(*) from users") == [(1,)]


def test_what_an_old_shell_writes_after_a_rebuild_is_swept_away(warehouse: Warehouse) -> None:
    """Its log lands beside the new catalogue and would break it; the next refresh mends that."""
    write(warehouse, "A")
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    with duckdb.connect(str(warehouse.database)) as shell:
        write(warehouse, "A", "users", users)
        shell.execute("create view users as select 1")
        assert warehouse.database.with_name("warehouse.duckdb.wal").exists()
        warehouse.refresh_catalogue()
        assert other_shell(warehouse, "select count(*) from users") == ["1"]


def test_a_catalogue_that_somebody_changed_is_rebuilt(warehouse: Warehouse) -> None:
    """A view dropped by hand is back after the next refresh."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.database)) as shell:
        shell.execute("drop view items")
    warehouse.refresh_catalogue()
    assert other_shell(warehouse, "select count(*) from items") == ["2"]


def test_what_a_shell_left_behind_does_not_reach_the_next_catalogue(warehouse: Warehouse) -> None:
    """A view made in an open shell is gone; other processes open the new catalogue meanwhile."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.database)) as shell:
        shell.execute("create view mine as select 1")  # stands in a log beside the catalogue
        write(warehouse, "A", "users", {"user": [0], "user_id": ["a"], "n_interactions": [1]})
        assert other_shell(
            warehouse, "from duckdb_views() select view_name where not internal"
        ) == [
            "catalogue",
            "items",
            "lineage",
            "users",
        ]
    assert other_shell(warehouse, "select count(*) from users") == ["1"]


def other_shell(warehouse: Warehouse, text: str, database: Path | None = None) -> list[str]:
    """What the duckdb shell answers; within one process DuckDB would reuse the open database."""
    shell = Path(sys.executable).with_name("duckdb")
    call = [shell, "-readonly", "-csv", "-noheader", database or warehouse.database, text]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout.split()


def test_an_exported_file_stands_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    """Real tables with comments, readable after the warehouse is gone."""
    write(warehouse, "A")
    assert warehouse.export(tmp_path / "out.duckdb") == {"items": 2, "lineage": 1, "catalogue": 1}
    warehouse.file("items", "A").unlink()
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as connection:
        found = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
        assert [name for name, comment in found if comment] == ["catalogue", "items", "lineage"]
        assert connection.execute("select item_id from items").fetchall()[1] == ('h"a\tt',)


def test_origins_follow_stamps_upstream(warehouse: Warehouse) -> None:
    """From users to the reviews they were made from."""
    reviews = {"line": [1], "user_id": ["a"], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}
    raw = write(warehouse, "A", "raw_reviews", reviews, {"source": "0123"})
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    write(warehouse, "A", "users", users, {"raw_reviews": raw.content})
    assert list(origins(warehouse, ["users"], "A")) == ["raw_reviews", "users"]
    assert broken_links(warehouse, ["users"], "A") == []


def test_a_replaced_upstream_breaks_the_link(warehouse: Warehouse) -> None:
    """The message names who was made from what."""
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    write(warehouse, "A", "users", users, {"raw_reviews": "aaaa"})
    assert broken_links(warehouse, ["users"], "A") == [
        "users was made from raw_reviews aaaa, which is now missing;"
        " materialize users and what follows from it"
    ]
