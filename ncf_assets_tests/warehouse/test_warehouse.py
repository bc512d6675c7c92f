"""Publishing, reading and showing tables, in a folder of each test's own."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ncf_assets.warehouse.catalogue import rebuild
from ncf_assets.warehouse.lineage import find_inconsistencies, upstream_provenance
from ncf_assets.warehouse.parquet import ContentHash
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import NotMaterializedError, Warehouse

ROWS = {"item": [0, 1], "item_id": ["cap", 'h"a\tt'], "n_interactions": [2, 1]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return an empty warehouse, in a folder whose name needs quoting."""
    return Warehouse(tmp_path / "it's [1] data*")


def write(
    warehouse: Warehouse,
    dataset: str = "A",
    table: str = "items",
    rows: dict[str, list] = ROWS,
    inputs: dict[str, str] | None = None,
) -> Provenance:
    """Publish rows with a simple provenance."""
    with warehouse.stage_table(table, dataset) as staged:
        staged.write([pa.RecordBatch.from_pydict(rows)])
        provenance = staged.seal(
            code_version="c", input_hashes=inputs or {}, config={"seed": 1}, run_id="r"
        )
        staged.publish()
    warehouse.refresh_catalogue()
    return provenance


def query(warehouse: Warehouse, text: str) -> list:
    """Return the catalogue's answer."""
    with duckdb.connect(str(warehouse.paths.database), read_only=True) as connection:
        return connection.execute(text).fetchall()


def test_what_is_written_is_read_back(warehouse: Warehouse) -> None:
    """These are the rows, the header's types, and the provenance."""
    provenance = write(warehouse)
    frame = warehouse.read("items", "A")
    assert frame.to_dict("list") == ROWS
    assert str(frame["item"].dtype) == "int32"
    assert warehouse.get_provenance("items", "A") == provenance
    assert (provenance.rows, provenance.config) == (2, {"seed": 1})


def test_the_content_hash_follows_the_values_alone(warehouse: Warehouse) -> None:
    """Two batches of the same rows hash alike; another value, or text in another cell, does not."""
    provenance = write(warehouse)
    with warehouse.stage_table("items", "B") as staged:
        for row in (0, 1):
            staged.write([pa.RecordBatch.from_pydict(ROWS).slice(row, 1)])
        other = staged.seal(code_version="d", input_hashes={}, config={}, run_id="s")
        assert other.content_hash == provenance.content_hash
    moved = ROWS | {"item_id": ["caph", '"a\tt']}
    assert write(warehouse, "C", rows=moved).content_hash != provenance.content_hash
    assert (
        write(warehouse, "D", rows=ROWS | {"n_interactions": [2, 2]}).content_hash
        != provenance.content_hash
    )


def test_the_content_hash_passes_over_what_is_in_the_place_of_a_null() -> None:
    """Arrow may leave bytes there: both columns are a, null, c."""
    schema = pa.schema([("text", pa.string())])
    ends = pa.py_buffer(b"".join(end.to_bytes(4, "little") for end in (0, 1, 4, 5)))
    first_and_last = pa.py_buffer(bytes([0b101]))
    filled = pa.StringArray.from_buffers(3, ends, pa.py_buffer(b"aZZZc"), first_and_last)
    found = set()
    for column in (pa.array(["a", None, "c"]), filled):
        content = ContentHash(schema)
        content.update(pa.record_batch([column], schema))
        found.add(content.hexdigest())
    assert len(found) == 1


def test_an_unpublished_table_leaves_the_old_partition_and_no_file(warehouse: Warehouse) -> None:
    """There is an error between writing and publishing."""
    old = write(warehouse)

    def fail() -> None:
        with warehouse.stage_table("items", "A") as staged:
            staged.write([pa.RecordBatch.from_pydict(ROWS)])
            raise RuntimeError("before publishing")

    with pytest.raises(RuntimeError, match="before publishing"):
        fail()
    assert warehouse.get_provenance("items", "A") == old
    assert [path.name for path in warehouse.paths.folder("items", "A").iterdir()] == [
        "data.parquet"
    ]


def test_nulls_are_refused_where_the_header_says_never(warehouse: Warehouse) -> None:
    """The error names the column and the remedy."""
    with pytest.raises(ValueError, match=r"items.item_id is never null, found 1 nulls\. Mark it"):
        write(warehouse, rows=ROWS | {"item_id": ["cap", None]})


def test_other_columns_than_the_header_are_refused(warehouse: Warehouse) -> None:
    """The error names both sets of columns."""
    with pytest.raises(ValueError, match=r"the rows have item, name\. Make header and rows agree"):
        write(warehouse, rows={"item": [1], "name": ["cap"]})


def test_a_missing_partition_names_the_command_that_makes_it(warehouse: Warehouse) -> None:
    """The error is neither a plain FileNotFoundError nor an empty table."""
    command = r"does not exist\. Run `ncf-assets materialize A --select \+items`\."
    with pytest.raises(NotMaterializedError, match=command):
        warehouse.read("items", "A")


def test_the_catalogue_shows_all_datasets_with_comments(warehouse: Warehouse) -> None:
    """A view has the partition as a column, and the text of the header as comments."""
    write(warehouse, "A")
    write(warehouse, "B")
    assert query(warehouse, "select dataset, item from items order by all") == [
        ("A", 0),
        ("A", 1),
        ("B", 0),
        ("B", 1),
    ]
    comment = query(warehouse, "select comment from duckdb_views() where view_name = 'items'")
    assert comment[0][0].startswith("Every item with at least one review that counts")
    uncommented = "select * from duckdb_columns() where table_name = 'items' and comment is null"
    assert query(warehouse, uncommented) == []


def test_an_open_shell_keeps_working_and_sees_new_datasets(warehouse: Warehouse) -> None:
    """A read-write connection stays open while a table appears and the catalogue is replaced."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.paths.database)) as shell:
        inode = warehouse.paths.database.stat().st_ino
        write(warehouse, "B")
        # a new dataset of a known table rebuilds nothing
        assert warehouse.paths.database.stat().st_ino == inode
        users = {"user": [0], "user_id": ["ann"], "n_interactions": [2]}
        write(warehouse, "A", "users", users)
        assert warehouse.paths.database.stat().st_ino != inode
        assert shell.execute("select count(*) from items").fetchall() == [(4,)]
    assert query(warehouse, "select count(*) from users") == [(1,)]


def test_what_an_old_shell_writes_after_a_rebuild_is_removed(warehouse: Warehouse) -> None:
    """Its log is next to the new catalogue and would break it; the next refresh removes it."""
    write(warehouse, "A")
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    with duckdb.connect(str(warehouse.paths.database)) as shell:
        write(warehouse, "A", "users", users)
        shell.execute("create view users as select 1")
        assert warehouse.paths.database.with_name("warehouse.duckdb.wal").exists()
        warehouse.refresh_catalogue()
        assert other_shell(warehouse, "select count(*) from users") == ["1"]


def test_a_catalogue_that_somebody_changed_is_rebuilt(warehouse: Warehouse) -> None:
    """A view that somebody has dropped is there again after the next refresh."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.paths.database)) as shell:
        shell.execute("drop view items")
    warehouse.refresh_catalogue()
    assert other_shell(warehouse, "select count(*) from items") == ["2"]


@pytest.mark.parametrize("note", ["{}", "[]", '{"storage": "v1.2.0"}', "not JSON"])
def test_a_note_of_another_version_costs_no_more_than_a_rebuild(
    warehouse: Warehouse, note: str
) -> None:
    """The note beside the catalogue says from what it was built."""
    write(warehouse, "A")
    warehouse.paths.database.with_suffix(".duckdb.built-from").write_text(note)
    write(warehouse, "A", "users", {"user": [0], "user_id": ["a"], "n_interactions": [1]})
    assert other_shell(warehouse, "select count(*) from users") == ["1"]
    assert other_shell(warehouse, "select count(*) from items") == ["2"]


DEFINED = """
select view_name, comment, sql from duckdb_views() where not internal
union all select table_name || column_index, comment, data_type from duckdb_columns()
where not internal
union all select function_name, description, macro_definition from duckdb_functions()
where not internal
order by all
"""


def test_a_catalogue_that_a_table_is_added_to_is_as_one_built_anew(warehouse: Warehouse) -> None:
    """It has the same views and macros, with the same comments."""
    write(warehouse, "A")
    before = query(warehouse, DEFINED)
    write(warehouse, "A", "users", {"user": [0], "user_id": ["a"], "n_interactions": [1]})
    added = query(warehouse, DEFINED)
    assert {*before} < {*added}
    rebuild(warehouse.paths.database, warehouse.published)
    assert added == query(warehouse, DEFINED)


def test_what_a_shell_left_behind_does_not_reach_the_next_catalogue(warehouse: Warehouse) -> None:
    """A view made in an open shell is gone, and other processes open the new catalogue."""
    write(warehouse, "A")
    with duckdb.connect(str(warehouse.paths.database)) as shell:
        shell.execute("create view mine as select 1")  # is in a log next to the catalogue
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
    """Return the duckdb shell's answer; in one process DuckDB would reuse the open database."""
    shell = Path(sys.executable).with_name("duckdb")
    call = [shell, "-readonly", "-csv", "-noheader", database or warehouse.paths.database, text]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout.split()


def test_an_exported_file_needs_no_other_file(warehouse: Warehouse, tmp_path: Path) -> None:
    """It has real tables with comments, which can be read after the warehouse is gone."""
    write(warehouse, "A")
    assert warehouse.export(tmp_path / "out.duckdb") == {"items": 2, "lineage": 1, "catalogue": 1}
    warehouse.paths.file("items", "A").unlink()
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as connection:
        found = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
        assert [name for name, comment in found if comment] == ["catalogue", "items", "lineage"]
        assert connection.execute("select item_id from items").fetchall()[1] == ('h"a\tt',)


def test_provenance_is_followed_upstream(warehouse: Warehouse) -> None:
    """It leads from users to the reviews that they were made from."""
    reviews = {"line": [1], "user_id": ["a"], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}
    raw = write(warehouse, "A", "raw_reviews", reviews, {"source": "0123"})
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    write(warehouse, "A", "users", users, {"raw_reviews": raw.content_hash})
    assert list(upstream_provenance(warehouse, ["users"], "A")) == ["raw_reviews", "users"]
    assert find_inconsistencies(warehouse, ["users"], "A") == []


def test_a_replaced_upstream_table_is_an_inconsistency(warehouse: Warehouse) -> None:
    """The message names which table was made from which."""
    users = {"user": [0], "user_id": ["a"], "n_interactions": [1]}
    write(warehouse, "A", "users", users, {"raw_reviews": "aaaa"})
    assert find_inconsistencies(warehouse, ["users"], "A") == [
        "users was made from raw_reviews aaaa, which is now missing."
        " Materialize users and what follows from it"
    ]
