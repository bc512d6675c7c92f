"""Files of all sorts through the assets that read them: tables, warnings, refusals."""

import gzip
import json
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ncf_assets.datasets import load
from ncf_assets.ingest.review import Review
from ncf_assets.orchestration.staleness import Asset, partition_statuses
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.ingest.corpus import IDS, LINES, changed
from ncf_assets_tests.running import PREPARED, READ, failed_partitions, failure, materialize

pytestmark = pytest.mark.process
GOOD = changed()
LINE = GOOD + b"\n"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A data folder whose Sample is the file reviews.json.gz in it."""
    path = tmp_path / "datasets.toml"
    path.write_text('[Sample]\nformat = "amazon-2014"\npath = "reviews.json.gz"\n')
    return Warehouse(tmp_path)


def run(
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    content: bytes | list[bytes],
    selection: list[str] = READ,
    **config: Any,
) -> dg.ExecuteInProcessResult:
    """Put a file in place and read it."""
    if isinstance(content, list):
        content = gzip.compress(b"\n".join(content), 1)
    (warehouse.root / "reviews.json.gz").write_bytes(content)
    ops = {"reviews": {"config": config}}
    return materialize(warehouse, instance, selection, {"ops": ops} if config else {})


def rows(warehouse: Warehouse, *tables: str) -> list[int]:
    """How many rows each table has."""
    return [warehouse.get_provenance(table, "Sample").rows for table in tables]


def unpassed(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckSeverity]:
    """The checks that did not pass."""
    return {e.check_name: e.severity for e in result.get_asset_check_evaluations() if not e.passed}


def test_the_corpus_adds_up_and_ids_stay_apart(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Every known case: a row in one of two tables, and a user for each id as it was written."""
    found = run(warehouse, instance, [line for _, line, _ in LINES], PREPARED, max_rejected_share=1)
    assert found.success
    assert sum(rows(warehouse, *READ)) == len(LINES)
    reviews = {found.user_id for *_, found in LINES if isinstance(found, Review)}
    assert reviews >= set(IDS)
    assert set(warehouse.read("users", "Sample")["user_id"]) == reviews
    pairs = {(r.user_id, r.item_id) for *_, r in LINES if isinstance(r, Review)}
    assert rows(warehouse, "users", "interactions") == [len(reviews), len(pairs)]
    texts = warehouse.read("rejected_reviews", "Sample").set_index("line")
    for number, (name, line, reason) in enumerate(LINES, 1):
        if isinstance(reason, str):
            assert texts["reason"][number] == reason, name
            text = line.removesuffix(b"\r")[:99].decode(errors="backslashreplace")
            assert texts["text"][number][:99] == text[:99]


def test_ids_write_no_file_of_their_own(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """Ids such as ../../etc/passwd are values: only partitions of the dataset appear."""
    run(warehouse, instance, [changed(reviewerID=id_, asin=id_) for id_ in IDS], PREPARED)
    made = {path.relative_to(warehouse.root).parts for path in warehouse.root.rglob("*.parquet")}
    assert made == {("tables", table, "dataset=Sample", "data.parquet") for table in PREPARED}


def test_markup_in_ids_reaches_the_ui_as_text(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """In the preview of a table, which the UI shows as it is and never renders."""
    script = "<script>alert(1)</script>"
    result = run(warehouse, instance, [changed(reviewerID=script)])
    event = next(
        made
        for made in result.asset_materializations_for_node("reviews")
        if made.asset_key == dg.AssetKey("raw_reviews")
    )
    preview = event.metadata["preview"]
    assert isinstance(preview, dg.TableMetadataValue)
    assert preview.records[0].data["user_id"] == script
    rendered = [v for v in event.metadata.values() if isinstance(v, dg.MarkdownMetadataValue)]
    assert rendered == []


@pytest.mark.parametrize(("bad", "warns"), [(0, False), (1, False), (2, True), (20, True)])
def test_more_than_one_percent_of_rejected_lines_warn(
    warehouse: Warehouse, instance: dg.DagsterInstance, bad: int, warns: bool
) -> None:
    """Of 100 lines; exactly 1 and exactly 20 are still below the limits."""
    result = run(warehouse, instance, [GOOD] * (100 - bad) + [b"bad"] * bad)
    assert result.success
    assert rows(warehouse, *READ) == [100 - bad, bad]
    expected = {"rejected_reviews_few": dg.AssetCheckSeverity.WARN} if warns else {}
    assert unpassed(result) == expected


def test_more_than_20_percent_stop_the_run_before_anything_is_replaced(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """21 of 100: old tables stay, nothing downstream runs, the message says how to go on."""
    assert run(warehouse, instance, [GOOD] * 9, PREPARED).success
    before = {table: warehouse.get_provenance(table, "Sample") for table in PREPARED}
    lines = [GOOD] * 79 + [b"bad"] * 20 + [changed(asin=None)]
    result = run(warehouse, instance, lines, PREPARED)
    assert not result.success
    message = failure(result, "reviews")
    for words in (
        "rejected_reviews_below_limit failed. Its rule: No more than the share",
        "(reason: not JSON: invalid character; lines: 20; first_line: 80; first_text: bad;",
        " rejected_lines: 21; all_lines: 100)",
        "worth nothing, raise max_rejected_share of `reviews`",
    ):
        assert words in message
    assert {table: warehouse.get_provenance(table, "Sample") for table in PREPARED} == before
    assert not [e for e in result.all_events if e.is_step_start and e.step_key != "reviews"]
    assert run(warehouse, instance, lines, PREPARED, max_rejected_share=0.21).success
    assert rows(warehouse, *READ) == [79, 21]


PACKED = gzip.compress(LINE * 1000, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Download it again"),
        (PACKED[:-20], f"ends in the middle, after byte {len(PACKED) - 20:,}. Delete it"),
        (PACKED[:-8] + bytes(8), "is a gzip file that is corrupt at byte"),
        (PACKED + b"<html>", "no gzip member begins here"),
        (b"\n" * 50, "at least one line must be a review, found none in"),
        (b"<html>\n<p>Not found", "is a web page, which a moved link may have brought. Delete it"),
        (b"a.json".ljust(257, b"\0") + b"ustar", "is a tar archive, whose files must be unpacked"),
        (b"[" + (GOOD + b",") * 9, "looks like a JSON array. Write one object a line, or correct"),
        (
            b"u;i;r;t\n1;2;3;1400000000\n1;3;3;1400000000\n\n",
            "Of the first 4 lines 2 are rejected for this reason: not a JSON object. Line 2 is"
            " '1;2;3;1400000000'. The lines look like text separated by",
        ),
        (
            b"\n".join(changed(unixReviewTime=10**12 + n) for n in range(3)),
            "Of the first 3 lines 3 are rejected for this reason: time 1000000000000 is not",
        ),
    ],
)
def test_a_file_that_is_none_of_reviews_stops_the_run(
    warehouse: Warehouse, instance: dg.DagsterInstance, content: bytes, message: str
) -> None:
    """Nothing is replaced, and no draft is left."""
    assert run(warehouse, instance, [GOOD]).success
    before = [warehouse.get_provenance(table, "Sample") for table in READ]
    result = run(warehouse, instance, content)
    assert message in failure(result, "reviews")
    assert [warehouse.get_provenance(table, "Sample") for table in READ] == before
    assert [p.name for p in warehouse.paths.folder("raw_reviews", "Sample").iterdir()] == [
        "data.parquet"
    ]


def test_a_bomb_is_stopped_by_the_configured_limit(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """1,000 lines of 85 bytes are more than 80,000 bytes; with a higher limit they are read."""
    result = run(warehouse, instance, PACKED, max_unpacked_gb=80_000 / 1e9)
    assert "must unpack to 8e-05 GB at most" in failure(result, "reviews")
    assert warehouse.find_provenance("raw_reviews", "Sample") is None
    assert run(warehouse, instance, PACKED, max_unpacked_gb=1).success


def test_a_missing_file_and_an_empty_folder_are_named(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """With what to do."""
    missing = failure(materialize(warehouse, instance, READ, {}), "reviews")
    expected = "must be a file, or a folder or pattern with files, found none. Put the file there"
    assert expected in missing
    (warehouse.root / "reviews.json.gz").mkdir()
    folder = failure(materialize(warehouse, instance, READ, {}), "reviews")
    assert expected in folder


def test_where_the_file_cannot_be_had_that_alone_is_shown_as_failed(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The run is canceled, so that Dagster shows what it had planned as not made."""
    keys = [
        dg.AssetCheckKey(dg.AssetKey("source_file"), "source_file_found"),
        dg.AssetCheckKey(dg.AssetKey("users"), "users_dense"),
    ]

    def shown(result: dg.ExecuteInProcessResult) -> list[str]:
        run = instance.get_run_by_id(result.run_id)
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        return [run.status.value, *(found[key].status.value for key in keys)]

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster")) as instance:
        read = run(warehouse, instance, [GOOD], PREPARED)
        assert shown(read) == ["SUCCESS", "SUCCEEDED", "SUCCEEDED"]
        (warehouse.root / "reviews.json.gz").unlink()
        missing = materialize(warehouse, instance, PREPARED, {})
        assert shown(missing) == ["CANCELED", "FAILED", "PLANNED"]
        assert failed_partitions(instance) == {}
        broken = run(warehouse, instance, b"no review", PREPARED)
        assert shown(broken) == ["FAILURE", "SUCCEEDED", "PLANNED"]
        assert {*failed_partitions(instance)} == {*PREPARED, "filters"}


def test_a_file_of_another_hash_than_the_registry_states_is_refused(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Also where it was not downloaded by us."""
    with warehouse.paths.registry.open("a") as registry:
        registry.write(f'sha256 = "{"0" * 64}"\n')
    message = failure(run(warehouse, instance, PACKED), "reviews")
    assert f"must have the SHA-256 {'0' * 64} of [Sample] in datasets.toml, found " in message
    assert "Download another copy, or correct `sha256`" in message


def test_a_folder_of_files_reads_as_one_of_all_lines(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """By name, lines numbered through; another file among them makes the tables out of date."""
    folder = warehouse.root / "reviews.json.gz"
    folder.mkdir()
    (folder / "b").write_bytes(b"none\n" + LINE)
    (folder / "a").write_bytes(gzip.compress(LINE * 9, 1))
    (folder / "_SUCCESS").touch()
    assert materialize(warehouse, instance, READ, {}).success
    assert rows(warehouse, *READ) == [10, 1]
    assert warehouse.read("raw_reviews", "Sample")["line"].tolist() == [*range(1, 10), 11]
    assert warehouse.read("rejected_reviews", "Sample")["line"].tolist() == [10]
    dataset = load(warehouse.paths.registry)["Sample"]
    asset = Asset("raw_reviews", warehouse.get_provenance("raw_reviews", "Sample").code_version, ())
    [before] = partition_statuses(warehouse, dataset, [asset])
    (folder / "c").write_bytes(LINE)
    [after] = partition_statuses(warehouse, dataset, [asset])
    assert (str(before), str(after)) == ("up to date", "the source file has changed")


def test_a_hash_is_of_one_file(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """Where the registry states one and there are two."""
    warehouse.paths.registry.write_text(
        f'[Sample]\nformat = "amazon-2014"\npath = "*.json"\nsha256 = "{"0" * 64}"\n'
    )
    for name in ("a.json", "b.json"):
        (warehouse.root / name).write_bytes(LINE)
    message = failure(materialize(warehouse, instance, READ, {}), "reviews")
    expected = "`sha256` is the hash of one file, found 2 files. Remove `sha256` from [Sample]"
    assert expected in message


def test_a_file_that_is_there_is_used_offline(
    warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry of web addresses, no network: every request would go to a dead proxy."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    warehouse.paths.registry.write_text(
        '[Sample]\nformat = "amazon-2014"\nurl = "https://reviews.invalid/reviews.json.gz"\n'
    )
    warehouse.paths.raw.mkdir()
    (warehouse.paths.raw / "reviews.json.gz").write_bytes(PACKED)
    assert materialize(warehouse, instance, READ, {}).success
    assert rows(warehouse, *READ) == [1000, 0]


def test_the_limits_do_not_make_a_table_out_of_date(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """They decide whether a file is read, not what is read of it: no stamp has them."""
    run(warehouse, instance, PACKED, max_rejected_share=0.5, warn_rejected_share=0.5)
    provenance = warehouse.get_provenance("raw_reviews", "Sample")
    assert json.dumps(provenance.config) == '{"format": "amazon-2014"}'


def test_a_table_is_read_and_is_out_of_date_with_its_file_and_its_entry(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """By the hash of the file, and by what the registry says of its columns."""
    file, registry = warehouse.root / "plays.csv", warehouse.paths.registry
    block = (
        '[Sample]\nformat = "table"\npath = "plays.csv"\ncolumns = ["user", "item", "timestamp"]\n'
    )
    registry.write_text(block)
    file.write_text("u1,i1,2014-05-13\nu1,i2\nu1,i3,2014-05-14\n")
    config = {"ops": {"reviews": {"config": {"max_rejected_share": 0.5}}}}
    assert materialize(warehouse, instance, READ, config).success
    assert rows(warehouse, *READ) == [2, 1]
    version = warehouse.get_provenance("raw_reviews", "Sample").code_version

    def status() -> str:
        dataset = load(registry)["Sample"]
        [found] = partition_statuses(warehouse, dataset, [Asset("raw_reviews", version, ())])
        return str(found)

    assert status() == "up to date"
    registry.write_text(block + 'quote = ""\n')
    assert status() == "its entry in datasets.toml has changed"
    registry.write_text(block)
    file.write_text("u1,i1,2014-05-13\n")
    assert status() == "the source file has changed"


def test_a_table_without_rows_is_told(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """A header alone, and a query that finds nothing."""
    (warehouse.root / "t.csv").write_text("user,item,timestamp\n")
    with duckdb.connect(str(warehouse.root / "t.duckdb")) as connection:
        connection.execute("create table t as select 1 as user, 2 as item, 3 as timestamp")
    columns = 'columns = {user = "user", item = "item", timestamp = "timestamp"}'
    block = f'[Sample]\nformat = "table"\n{columns}\ntimestamp_unit = "seconds"\n'
    for where in ('path = "t.csv"', 'path = "t.duckdb"\nquery = "from t where false"'):
        warehouse.paths.registry.write_text(f"{block}{where}\n")
        said = failure(materialize(warehouse, instance, READ, {}), "reviews")
        assert "has no row. Put another file there, or correct `path` or `query` of [Sam" in said
