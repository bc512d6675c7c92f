"""What everything was made from, asked in SQL; and partitions that another version made."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.freshness import Asset, states
from ncf_assets.warehouse import Stamp, Warehouse
from ncf_assets.warehouse.lineage import broken_links
from ncf_assets_tests.warehouse.test_warehouse import ROWS, other_shell, query, write

REVIEWS = {"line": [1], "user_id": ["a"], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}
ITEMS = {"item": [0], "item_id": ["b"], "n_interactions": [1]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse, in a folder whose name wants quoting."""
    return Warehouse(tmp_path / "it's [1] data*")


def publish(warehouse: Warehouse, asset: str, inputs: dict[str, str], **config: Any) -> Stamp:
    """A model, or the report, that is its record alone."""
    stamp = Stamp(content=f"of {asset}", rows=7, code="m", inputs=inputs, config=config, run_id="r")
    warehouse.publish_record(asset, "A", {"history": [], "stamp": stamp.to_json()})
    warehouse.refresh_catalogue()
    return stamp


def chain(warehouse: Warehouse) -> dict[str, str]:
    """raw_reviews → items → gmf_model → evaluation_report; the content of each."""
    raw = write(warehouse, "A", "raw_reviews", REVIEWS, {"source": "5ca1"})
    items = write(warehouse, "A", "items", ITEMS, {"raw_reviews": raw.content})
    model = publish(warehouse, "gmf_model", {"items": items.content}, seed=3)
    report = publish(warehouse, "evaluation_report", {"gmf_model": model.content})
    found = {"raw_reviews": raw, "items": items, "gmf_model": model, "evaluation_report": report}
    return {name: stamp.content for name, stamp in found.items()}


def origins(warehouse: Warehouse, columns: str) -> list[tuple[Any, ...]]:
    """Of the report, in the order of names."""
    of_report = "where dataset = 'A' and asset = 'evaluation_report'"
    return query(warehouse, f"select origin, {columns} from lineage {of_report} order by origin")


def test_lineage_leads_from_the_report_to_the_source_file(warehouse: Warehouse) -> None:
    """Which versions, which code and seed; `write` stamps a seed of 1 on tables."""
    contents = chain(warehouse)
    assert origins(warehouse, "content, in_place, seed, code") == [
        ("evaluation_report", contents["evaluation_report"], True, None, "m"),
        ("gmf_model", contents["gmf_model"], True, 3, "m"),
        ("items", contents["items"], True, 1, "c"),
        ("raw_reviews", contents["raw_reviews"], True, 1, "c"),
        ("source", "5ca1", True, None, None),
    ]


def test_lineage_says_when_in_which_run_and_where(warehouse: Warehouse) -> None:
    """Times are UTC, without a zone that a client would shift."""
    chain(warehouse)
    found = {row[0]: row[1:] for row in origins(warehouse, "run_id, written_at, rows, file")}
    run_id, written_at, rows, file = found["items"]
    stamp = warehouse.stamp("items", "A")
    assert (run_id, written_at.isoformat() + "+00:00", rows) == ("r", stamp.written_at, 1)
    assert file == str(warehouse.file("items", "A"))
    assert found["gmf_model"][2:] == (7, str(warehouse.file("gmf_model", "A")))


def test_what_was_replaced_since_is_known_by_its_content_alone(warehouse: Warehouse) -> None:
    """The model's items are not those in place; what they came from is no longer known."""
    contents = chain(warehouse)
    write(warehouse, "A", "items", ITEMS | {"item_id": ["c"]}, {"raw_reviews": "0"})
    assert origins(warehouse, "content, in_place, seed, file is null") == [
        ("evaluation_report", contents["evaluation_report"], True, None, False),
        ("gmf_model", contents["gmf_model"], True, 3, False),
        ("items", contents["items"], False, None, True),
    ]


def test_a_new_dataset_has_its_lineage_at_once(warehouse: Warehouse) -> None:
    """The view reads the files that there are when it is asked."""
    chain(warehouse)
    inode = warehouse.database.stat().st_ino
    write(warehouse, "B", "items", ITEMS)
    assert warehouse.database.stat().st_ino == inode
    assert query(warehouse, "select asset, origin from lineage where dataset = 'B'") == [
        ("items", "items")
    ]


def test_lineage_is_exported_as_a_table(warehouse: Warehouse, tmp_path: Path) -> None:
    """Readable without the files; comments included."""
    chain(warehouse)
    assert warehouse.export(tmp_path / "out.duckdb")["lineage"] == 2 + 3 + 4 + 5
    asked = "select comment is null from duckdb_columns() where table_name = 'lineage'"
    answers = other_shell(Warehouse(tmp_path), asked, tmp_path / "out.duckdb")
    assert set(answers) == {"false"}


def write_as_older_version(warehouse: Warehouse, dataset: str) -> None:
    """Items with a column `name` in place of item_id."""
    stamp = write(warehouse, dataset)
    table = pa.table({"item": pa.array([0], pa.int32()), "name": ["cap"]})
    metadata = pq.read_metadata(warehouse.file("items", dataset)).metadata
    file = warehouse.file("items", dataset)
    pq.write_table(table.replace_schema_metadata({b"ncf_assets": metadata[b"ncf_assets"]}), file)
    assert warehouse.stamp("items", dataset) == stamp
    warehouse.refresh_catalogue()


def test_partitions_of_other_columns_are_left_out_and_named(warehouse: Warehouse) -> None:
    """Mixed, they would break the view for every dataset. Made again, they are back."""
    write(warehouse, "A")
    write_as_older_version(warehouse, "B")
    write(warehouse, "C")
    shown = "select distinct dataset from items order by all"
    assert query(warehouse, shown) == [("A",), ("C",)]
    comment = "select comment from duckdb_views() where view_name = 'items'"
    ((text,),) = query(warehouse, comment)
    assert text.endswith("Without B, damaged or made by another version: materialize again.")
    write(warehouse, "B")
    assert query(warehouse, shown) == [("A",), ("B",), ("C",)]
    assert "another version" not in query(warehouse, comment)[0][0]


def test_damaged_files_hold_up_no_other_dataset(warehouse: Warehouse) -> None:
    """A table's file and a model's record, which `status` names."""
    chain(warehouse)
    write(warehouse, "B")
    warehouse.file("items", "A").write_bytes(b"PAR1")
    warehouse.file("gmf_model", "A").write_text("{")
    warehouse.refresh_catalogue()
    assert query(warehouse, "select distinct dataset from items") == [("B",)]
    warehouse.file("items", "A").unlink()
    models = "select count(*) from lineage where asset = 'gmf_model'"
    assert query(warehouse, models) == [(0,)]


def test_where_all_partitions_are_of_another_version_there_is_no_view(warehouse: Warehouse) -> None:
    """Neither a broken one nor an old one."""
    write(warehouse, "A", "users", {"user": [0], "user_id": ["a"], "n_interactions": [1]})
    write_as_older_version(warehouse, "A")
    names = "select view_name from duckdb_views() where not internal order by all"
    assert query(warehouse, names) == [("catalogue",), ("lineage",), ("users",)]


def test_status_names_partitions_of_other_columns(warehouse: Warehouse) -> None:
    """Beside the code that has changed, as it always has where columns have."""
    write_as_older_version(warehouse, "A")
    (state,) = states(warehouse, Dataset("A", "A", "amazon-2014"), [Asset("items", "d", ())])
    reasons = ("its columns are not those of this version", "its code has changed")
    assert state.reasons == reasons


def test_nothing_is_made_from_partitions_of_other_columns(warehouse: Warehouse) -> None:
    """The message says what to make again."""
    write_as_older_version(warehouse, "A")
    assert broken_links(warehouse, ["items"], "A") == [
        "items has other columns than this version's; materialize items and what follows from it"
    ]
    write(warehouse, "A", rows=ROWS)
    assert broken_links(warehouse, ["items"], "A") == []
