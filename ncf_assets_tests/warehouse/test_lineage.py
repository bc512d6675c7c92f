"""The view of what everything was made from, and partitions that another version made."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.orchestration.staleness import Asset, partition_statuses
from ncf_assets.warehouse.lineage import find_inconsistencies
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.warehouse.test_warehouse import ROWS, other_shell, query, write

REVIEWS = {"line": [1], "user_id": ["a"], "item_id": ["b"], "rating": [1.0], "timestamp": [1]}
ITEMS = {"item": [0], "item_id": ["b"], "n_interactions": [1]}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return an empty warehouse, in a folder whose name needs quoting."""
    return Warehouse(tmp_path / "it's [1] data*")


def publish(warehouse: Warehouse, asset: str, inputs: dict[str, str], **config: Any) -> Provenance:
    """Publish a model or the report as a record without files."""
    provenance = Provenance(
        content_hash=f"of {asset}",
        rows=7,
        code_version="m",
        input_hashes=inputs,
        config=config,
        run_id="r",
    )
    warehouse.publish_texts(asset, "A", {}, {"history": [], "provenance": provenance.to_json()})
    warehouse.refresh_catalogue()
    return provenance


def chain(warehouse: Warehouse) -> dict[str, str]:
    """Make raw_reviews → items → gmf_model → evaluation_report; return their content hashes."""
    raw = write(warehouse, "A", "raw_reviews", REVIEWS, {"source": "5ca1"})
    items = write(warehouse, "A", "items", ITEMS, {"raw_reviews": raw.content_hash})
    model = publish(warehouse, "gmf_model", {"items": items.content_hash}, seed=3)
    report = publish(warehouse, "evaluation_report", {"gmf_model": model.content_hash})
    found = {"raw_reviews": raw, "items": items, "gmf_model": model, "evaluation_report": report}
    return {name: provenance.content_hash for name, provenance in found.items()}


def origins(warehouse: Warehouse, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of the report's lineage, in the order of names."""
    of_report = "where dataset = 'A' and asset = 'evaluation_report'"
    return query(warehouse, f"select origin, {columns} from lineage {of_report} order by origin")


def test_lineage_leads_from_the_report_to_the_source_file(warehouse: Warehouse) -> None:
    """It has the versions, code and seed of each; `write` gives tables a seed of 1."""
    contents = chain(warehouse)
    assert origins(warehouse, "content_hash, in_place, seed, code_version") == [
        ("evaluation_report", contents["evaluation_report"], True, None, "m"),
        ("gmf_model", contents["gmf_model"], True, 3, "m"),
        ("items", contents["items"], True, 1, "c"),
        ("raw_reviews", contents["raw_reviews"], True, 1, "c"),
        ("source", "5ca1", True, None, None),
    ]


def test_lineage_says_when_in_which_run_and_where(warehouse: Warehouse) -> None:
    """Times are UTC without a zone, so that no client shifts them."""
    chain(warehouse)
    found = {row[0]: row[1:] for row in origins(warehouse, "run_id, written_at, rows, file")}
    run_id, written_at, rows, file = found["items"]
    provenance = warehouse.get_provenance("items", "A")
    assert (run_id, written_at.isoformat() + "+00:00", rows) == ("r", provenance.written_at, 1)
    assert file == str(warehouse.paths.file("items", "A"))
    assert found["gmf_model"][2:] == (7, str(warehouse.paths.file("gmf_model", "A")))


def test_of_what_was_replaced_only_the_content_hash_is_known(warehouse: Warehouse) -> None:
    """The model's items are not those in place, and their origin is no longer known."""
    contents = chain(warehouse)
    write(warehouse, "A", "items", ITEMS | {"item_id": ["c"]}, {"raw_reviews": "0"})
    assert origins(warehouse, "content_hash, in_place, seed, file is null") == [
        ("evaluation_report", contents["evaluation_report"], True, None, False),
        ("gmf_model", contents["gmf_model"], True, 3, False),
        ("items", contents["items"], False, None, True),
    ]


def test_a_new_dataset_has_its_lineage_at_once(warehouse: Warehouse) -> None:
    """The view reads the files that exist when it is queried."""
    chain(warehouse)
    inode = warehouse.paths.database.stat().st_ino
    write(warehouse, "B", "items", ITEMS)
    assert warehouse.paths.database.stat().st_ino == inode
    assert query(warehouse, "select asset, origin from lineage where dataset = 'B'") == [
        ("items", "items")
    ]


def test_an_export_of_the_catalogue_has_the_lineage_that_it_reads(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """It is a view over another, which comes along; tables that it does not read stay out."""
    chain(warehouse)
    assert list(warehouse.export(tmp_path / "out.duckdb", ["catalogue"])) == [
        "lineage",
        "catalogue",
    ]


def test_lineage_is_exported_as_a_table(warehouse: Warehouse, tmp_path: Path) -> None:
    """The table can be read without the files, and has comments."""
    chain(warehouse)
    assert warehouse.export(tmp_path / "out.duckdb")["lineage"] == 2 + 3 + 4 + 5
    asked = "select comment is null from duckdb_columns() where table_name = 'lineage'"
    answers = other_shell(Warehouse(tmp_path), asked, tmp_path / "out.duckdb")
    assert set(answers) == {"false"}


def write_as_older_version(warehouse: Warehouse, dataset: str) -> None:
    """Write items with a column `name` in place of item_id."""
    provenance = write(warehouse, dataset)
    table = pa.table({"item": pa.array([0], pa.int32()), "name": ["cap"]})
    metadata = pq.read_metadata(warehouse.paths.file("items", dataset)).metadata
    file = warehouse.paths.file("items", dataset)
    pq.write_table(table.replace_schema_metadata({b"ncf_assets": metadata[b"ncf_assets"]}), file)
    assert warehouse.get_provenance("items", dataset) == provenance
    warehouse.refresh_catalogue()


def test_partitions_of_other_columns_are_left_out_and_named(warehouse: Warehouse) -> None:
    """They would break the view for every dataset; once made again, they are in the view."""
    write(warehouse, "A")
    write_as_older_version(warehouse, "B")
    write(warehouse, "C")
    shown = "select distinct dataset from items order by all"
    assert query(warehouse, shown) == [("A",), ("C",)]
    comment = "select comment from duckdb_views() where view_name = 'items'"
    ((text,),) = query(warehouse, comment)
    assert text.endswith("It lacks B, damaged or made by another version. Materialize again.")
    write(warehouse, "B")
    assert query(warehouse, shown) == [("A",), ("B",), ("C",)]
    assert "another version" not in query(warehouse, comment)[0][0]


def test_damaged_files_do_not_affect_other_datasets(warehouse: Warehouse) -> None:
    """A table's file and a model's record are damaged, and `status` names them."""
    chain(warehouse)
    write(warehouse, "B")
    warehouse.paths.file("items", "A").write_bytes(b"PAR1")
    warehouse.paths.file("gmf_model", "A").write_text("{")
    warehouse.refresh_catalogue()
    assert query(warehouse, "select distinct dataset from items") == [("B",)]
    warehouse.paths.file("items", "A").unlink()
    models = "select count(*) from lineage where asset = 'gmf_model'"
    assert query(warehouse, models) == [(0,)]


def test_where_all_partitions_are_of_another_version_there_is_no_view(warehouse: Warehouse) -> None:
    """There is neither a broken view nor an old one."""
    write(warehouse, "A", "users", {"user": [0], "user_id": ["a"], "n_interactions": [1]})
    write_as_older_version(warehouse, "A")
    names = "select view_name from duckdb_views() where not internal order by all"
    assert query(warehouse, names) == [("catalogue",), ("lineage",), ("users",)]


def test_status_names_partitions_of_other_columns(warehouse: Warehouse) -> None:
    """It also names the changed code, as code always changes with the columns."""
    write_as_older_version(warehouse, "A")
    (status,) = partition_statuses(
        warehouse, Dataset("A", "A", "amazon-2014"), [Asset("items", "d", ())]
    )
    reasons = ("its columns are not those of this version", "its code has changed")
    assert status.reasons == reasons


def test_nothing_is_made_from_partitions_of_other_columns(warehouse: Warehouse) -> None:
    """The message says what to make again."""
    write_as_older_version(warehouse, "A")
    assert find_inconsistencies(warehouse, ["items"], "A") == [
        "items has other columns than this version's. Materialize items and what follows from it"
    ]
    write(warehouse, "A", rows=ROWS)
    assert find_inconsistencies(warehouse, ["items"], "A") == []
