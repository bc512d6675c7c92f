"""Two machines that publish in one bucket: S3 as moto serves it, and a proxy that makes trouble."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ncf_assets.warehouse import catalogue, object_store, outside_scores
from ncf_assets.warehouse.bucket import Bucket
from ncf_assets.warehouse.object_store import (
    ObjectStore,
    RefusedError,
    ReplacedError,
    StoreError,
)
from ncf_assets.warehouse.outside_scores import OutsideScores
from ncf_assets.warehouse.parquet import DamagedError, StagedTable, verify
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.scratch import scratch
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests import forking
from ncf_assets_tests.object_store import Answer, azure, new_bucket, proxy

pytestmark = pytest.mark.service
KNOWN: dict[str, Any] = {"code_version": "1", "input_hashes": {}, "config": {}, "run_id": "r"}

ORIGIN = OutsideScores("scores.csv", "0" * 64, "score", 1)


@dataclass
class Machines:
    """Two warehouses that have their own folders, and one bucket."""

    a: Warehouse
    b: Warehouse


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the environment variables of an empty bucket, and return its URL."""
    variables = new_bucket(moto)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables["NCF_DATA_DIR"]


@pytest.fixture
def machines(bucket: str, tmp_path: Path) -> Machines:
    """Return two machines that have nothing yet."""
    return Machines(*(Warehouse(tmp_path / name, store=ObjectStore(bucket)) for name in "ab"))


def write(staged: StagedTable, *ids: str) -> None:
    """Fill a table of ids, `items` or `users`, and seal it."""
    numbers, of, n = (column.name for column in staged.table.columns)
    rows = {numbers: range(len(ids)), of: ids, n: [1] * len(ids)}
    staged.write([pa.RecordBatch.from_pydict(rows)])
    staged.seal(**KNOWN)


def publish_items(place: Warehouse, *ids: str) -> None:
    """Publish the table `items` of dataset A."""
    with place.stage_table("items", "A") as staged:
        write(staged, *ids)
        place.publish_tables([staged], "A")


def items(place: Warehouse) -> list[str]:
    """Return the ids in the table `items` of dataset A."""
    return list(place.read("items", "A", ["item_id"])["item_id"])


def publish_model(place: Warehouse, content: str, seen: Any) -> None:
    """Publish a model of two files."""
    provenance = Provenance(content_hash=content, rows=1, **KNOWN)
    with (
        place.stage_model("gmf_model", "A") as model,
        place.stage_model("gmf_model", "A", ".npz") as beside,
    ):
        model.write_text(content)
        beside.write_text(content)
        place.publish_model("gmf_model", "A", [model, beside], provenance, {}, seen)


def model(place: Warehouse) -> set[str]:
    """Return the contents of a model's record and files, one if they belong together."""
    record = place.record("gmf_model", "A")
    files = [place.beside("gmf_model", "A", record[name]) for name in ("file", "npz")]
    return {record["provenance"]["content_hash"], *(file.read_text() for file in files)}


def publish_report(place: Warehouse, text: str, seen: Any) -> None:
    """Publish a report of two files."""
    provenance = Provenance(content_hash=text, rows=0, **KNOWN).to_json()
    texts = {"report.html": text, "report.md": text}
    place.publish_texts("evaluation_report", "A", texts, {"provenance": provenance}, seen)


def report(place: Warehouse) -> set[str]:
    """Return the contents of a report's record and files, one if they belong together."""
    record = place.record("evaluation_report", "A")
    files = [place.beside("evaluation_report", "A", name) for name in record["files"]]
    return {record["provenance"]["content_hash"], *(file.read_text() for file in files)}


def test_another_machine_fetches_what_it_reads_and_no_more(machines: Machines) -> None:
    """Of two tables one is read; of the other the footer says where it comes from."""
    publish_items(machines.a, "x", "y")
    with machines.a.stage_table("users", "A") as staged:
        write(staged, *(f"user {number} {random.random()}" for number in range(50_000)))
        machines.a.publish_tables([staged], "A")
    assert machines.b.get_provenance("users", "A").rows == 50_000
    assert machines.b.schema_matches("users", "A")
    assert items(machines.b) == ["x", "y"]
    fetched = [file for file in (machines.b.root / "cache").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in fetched) < 10_000
    assert {file.suffix for file in fetched} == {".parquet", ".footer"}
    assert not (machines.b.root / "tables").exists()


def test_of_two_runs_on_one_dataset_the_second_is_refused(machines: Machines) -> None:
    """Both have begun before one publishes; the winner's table stays, and nothing else is left."""
    publish_items(machines.a, "before")
    with (
        machines.a.stage_table("items", "A") as mine,
        machines.b.stage_table("items", "A") as theirs,
    ):
        write(mine, "mine")
        write(theirs, "theirs")
        machines.b.publish_tables([theirs], "A")
        told = r"another run, perhaps on another machine, has published s3://\S+/items/dataset=A/"
        with pytest.raises(ReplacedError, match=told):
            machines.a.publish_tables([mine], "A")
        with pytest.raises(ReplacedError, match=told):  # by the store, were it not asked before
            mine.publish()
    assert items(machines.a) == items(machines.b) == ["theirs"]
    assert not [file for file in machines.a.root.rglob("*.tmp") if file.is_file()]
    publish_items(machines.a, "next")
    assert items(machines.b) == ["next"]


def test_a_first_table_is_published_once(machines: Machines) -> None:
    """Neither machine has seen one."""
    with (
        machines.a.stage_table("items", "A") as mine,
        machines.b.stage_table("items", "A") as theirs,
    ):
        write(mine, "mine")
        write(theirs, "theirs")
        mine.publish()
        with pytest.raises(ReplacedError):
            theirs.publish()
    assert items(machines.b) == ["mine"]


def test_tables_that_belong_together_are_refused_together(machines: Machines) -> None:
    """The second of two tables has been replaced; the first is not published either."""
    place = machines.a
    with place.stage_table("items", "A") as first, place.stage_table("users", "A") as second:
        write(first, "x")
        write(second, "y")
        with machines.b.stage_table("users", "A") as theirs:
            write(theirs, "theirs")
            machines.b.publish_tables([theirs], "A")
        with pytest.raises(ReplacedError):
            place.publish_tables([first, second], "A")
    assert place.find_provenance("items", "A") is None


def test_a_stale_model_or_report_leaves_the_winners_whole(machines: Machines) -> None:
    """Files have names by their content; the record, which comes last, is refused."""
    for publish, asset in ((publish_model, "gmf_model"), (publish_report, "evaluation_report")):
        seen = machines.a.seen(asset, "A")
        publish(machines.b, "theirs", machines.b.seen(asset, "A"))
        with pytest.raises(ReplacedError):
            publish(machines.a, "mine", seen)
        publish(machines.b, "new", machines.b.seen(asset, "A"))
    assert model(machines.a) == report(machines.a) == {"new"}
    page = machines.a.page("A").name
    assert page.startswith("report-")
    assert page.endswith(".html")


def test_a_saved_model_has_one_writer(machines: Machines) -> None:
    """Two machines export under the next number, which is 1 for both."""
    with ExitStack() as mine, machines.b.saved_model("served_model", "A") as (theirs, name):
        folder, same = mine.enter_context(machines.a.saved_model("served_model", "A"))
        for exported, text in ((folder, "mine"), (theirs, "theirs")):
            exported.mkdir()
            (exported / "saved_model.pb").write_text(text)
        mine = mine.pop_all()
    with pytest.raises(ReplacedError):
        mine.close()
    assert name == same == "saved_model/1"
    assert machines.a.beside("served_model", "A", f"{name}/saved_model.pb").read_text() == "theirs"


def test_versions_are_kept_and_the_oldest_removed(machines: Machines) -> None:
    """Of a table the one before, and of a model the one before; the cache has two of each."""
    for content in ("1", "2", "3"):
        publish_items(machines.a, content)
        publish_model(machines.a, content, machines.a.seen("gmf_model", "A"))
        assert items(machines.b) == [content]
        time.sleep(1.1)  # the store's clock has seconds
    (before,) = machines.b.previous_versions("items", "A")
    here = machines.b.published.find(before)
    assert here is not None
    verify(here)
    with machines.b.connect("A", {"t": here}) as connection:
        assert connection.sql("select item_id from t").fetchall() == [("2",)]
    there = machines.a.published.glob("models/gmf_model/dataset=A/*")
    assert [path.name for path in there] == [
        "gmf-2.keras", "gmf-2.npz", "gmf-3.keras", "gmf-3.npz", "model.json",
    ]  # fmt: skip
    cached = machines.b.root / "cache/tables/items/dataset=A/data.parquet"
    assert len(list(cached.glob("*.parquet"))) == 2


def test_what_nobody_has_asked_for_leaves_the_cache(machines: Machines) -> None:
    """30 days later another table is fetched."""
    publish_items(machines.a, "x")
    copy = machines.b.existing("items", "A")
    month_ago = time.time() - 31 * 86_400
    os.utime(copy, (month_ago, month_ago))
    with machines.a.stage_table("users", "A") as staged:
        write(staged, "y")
        machines.a.publish_tables([staged], "A")
    machines.b.existing("users", "A")
    assert not copy.exists()


def test_scores_of_an_outside_model_are_shared(machines: Machines) -> None:
    """They are there for another machine until they are taken out."""
    with duckdb.connect() as connection:
        rows = "select 1::double as score"
        outside_scores.keep(machines.a, "A", "mine", connection, rows, ORIGIN)
    assert outside_scores.kept(machines.b, "A") == {"mine": ORIGIN}
    outside_scores.remove(machines.b, "A", "mine")
    assert outside_scores.names(machines.a, "A") == []


def test_duckdb_reads_the_bucket_without_a_copy(machines: Machines) -> None:
    """Views name its URLs; what is replaced after DuckDB has looked is an error, not a mixture."""
    ids = [f"{number} {random.random()}" for number in range(200_000)]
    publish_items(machines.a, *ids)
    publish_model(machines.a, "x", None)
    place, database = machines.b, machines.b.root / "own.duckdb"
    place.root.mkdir()
    assert catalogue.build_private(database, place.published)
    with duckdb.connect(str(database), read_only=True) as connection:
        place.published.register(connection)
        counted = connection.sql("select dataset, count(*), max(item) from items group by all")
        assert counted.fetchall() == [("A", 200_000, 199_999)]
        assert connection.sql("select asset, rows from lineage order by all").fetchall() == [
            ("gmf_model", 1),
            ("items", 200_000),
        ]
        assert not list((place.root / "cache").rglob("*data.parquet/*.parquet"))
        publish_items(machines.a, *ids[::-1])
        with pytest.raises(duckdb.Error, match=r"was replaced while it was read\. Run this again"):
            connection.sql("select min(item_id) from items").fetchall()


def test_a_damaged_object_is_told(machines: Machines, tmp_path: Path) -> None:
    """Bytes that no run has put there."""
    (junk := tmp_path / "junk").write_bytes(b"PAR1 and no footer")
    assert isinstance(machines.a.published, Bucket)
    machines.a.published.put(junk, machines.a.paths.file("items", "A"))
    with pytest.raises(DamagedError, match="is damaged or was not written by NCF Assets"):
        machines.b.get_provenance("items", "A")


def test_what_workers_of_spark_leave_in_the_bucket_is_fetched_and_removed(
    machines: Machines, tmp_path: Path
) -> None:
    """As Hadoop writes it, whose name for S3 is s3a."""
    assert machines.a.store
    (part := tmp_path / "part").write_text("rows")
    with scratch(machines.a.root, "A", machines.a.store) as place:
        assert place.url == f"{machines.a.store.url}/{place.key}".replace("s3:", "s3a:")
        machines.a.store.put(part, f"{place.key}part-0.parquet")
        assert [file.read_text() for file in place.fetched().iterdir()] == ["rows"]
    assert machines.a.store.entries("tmp") == []


# What the proxy answers in place of the server


def trouble(
    status: int, code: str, *methods: str, times: int = 10**9, late: bool = False
) -> Answer:
    """Answer requests of these methods with an error of S3's, a number of times."""
    left = times

    def answer(method: str, forward: Callable[[], Any]) -> tuple[int, bytes] | None:
        nonlocal left
        if method not in methods or not left:
            return None
        left -= 1
        if late:
            forward()
        return status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    return answer


@pytest.fixture
def troubled(
    moto: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Answer], Warehouse]]:
    """Return a function of what a proxy does to requests, which gives a machine behind it."""
    with proxy(moto) as behind:
        monkeypatch.setenv("AWS_ENDPOINT_URL", behind.address)

        def machine(answer: Answer) -> Warehouse:
            behind.answer = answer
            return Warehouse(tmp_path / "troubled", store=ObjectStore(bucket))

        yield machine


def test_a_store_that_is_busy_for_a_while_is_waited_for(
    troubled: Callable[[Answer], Warehouse],
) -> None:
    """Three answers of 503 to puts, and three to reads."""
    place = troubled(trouble(503, "SlowDown", "PUT", times=3))
    publish_items(place, "x")
    place = troubled(trouble(503, "SlowDown", "GET", "HEAD", times=3))
    assert items(place) == ["x"]


def test_an_answer_that_is_lost_is_no_other_run(troubled: Callable[[Answer], Warehouse]) -> None:
    """The store has put the table and answers 503; the second try is refused, and is known."""
    for content in ("first", "next"):
        place = troubled(trouble(503, "InternalError", "PUT", times=1, late=True))
        publish_items(place, content)
        assert items(place) == [content]


def test_a_store_that_stays_busy_is_told(
    troubled: Callable[[Answer], Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not refused for good: a step is tried again."""
    monkeypatch.setattr(object_store, "SHORT", object_store.timedelta(seconds=2))
    place = troubled(trouble(503, "SlowDown", "GET", "HEAD"))
    with pytest.raises(StoreError, match=r"could not be used \(.*503") as caught:
        items(place)
    assert not isinstance(caught.value, RefusedError)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (trouble(400, "ExpiredToken", "PUT"), r"does not accept this machine's credentials \(Exp"),
        (trouble(403, "InvalidAccessKeyId", "PUT", "GET"), r"credentials \(InvalidAccessKeyId\)"),
        (trouble(403, "AccessDenied", "PUT"), r"does not permit PUT \(AccessDenied\)\. Check"),
        (trouble(403, "AccessDenied", "GET"), r"does not permit GET \(AccessDenied\)\. Check"),
        (trouble(301, "PermanentRedirect", "PUT"), r"is in another region than .* Set AWS_REGION"),
        (trouble(400, "AuthorizationHeaderMalformed", "PUT"), r"another region than this machine"),
        (trouble(404, "NoSuchBucket", "PUT", "GET"), r"there is no bucket at s3://\S+\. Create it"),
    ],
)
def test_what_the_store_refuses_is_told_before_any_work(
    troubled: Callable[[Answer], Warehouse], answer: Answer, told: str
) -> None:
    """In a sentence with the remedy, and it is not tried again."""
    place = troubled(answer)
    with pytest.raises(RefusedError, match=told):
        place.published.check_usable()


def test_credentials_that_expire_during_a_run_lose_nothing(
    troubled: Callable[[Answer], Warehouse],
) -> None:
    """What was published stays; the same run again publishes the new."""
    publish_items(troubled(trouble(200, "", "")), "before")
    place = troubled(trouble(400, "ExpiredToken", "PUT"))
    with pytest.raises(RefusedError, match="Renew them"):
        publish_items(place, "new")
    place = troubled(trouble(200, "", ""))
    assert items(place) == ["before"]
    publish_items(place, "new")
    assert items(place) == ["new"]


def test_the_end_of_an_object_is_read_from_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no ranges that count from the end; an object may be shorter than what is asked for."""
    with azure({"a": b"0123456789"}) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        store = ObjectStore(variables["NCF_DATA_DIR"])
        found = [store.end("a", 3), store.end("a", 99)]
        assert [(end[0], end[1].size) for end in found if end] == [
            (b"789", 10),
            (b"0123456789", 10),
        ]
        assert store.end("b", 3) is None


def test_a_usable_store_is_found_so_and_left_as_it_is(machines: Machines) -> None:
    """The question whether it can be written is one that it refuses."""
    machines.a.published.check_usable()
    assert machines.a.store
    assert machines.a.store.entries("tables") == []


def test_a_store_that_ignores_conditions_is_refused(
    troubled: Callable[[Answer], Warehouse],
) -> None:
    """As older ones do; runs could overwrite each other there."""
    place = troubled(trouble(200, "", "PUT"))
    with pytest.raises(StoreError, match=r"ignores the condition of a write \(If-Match\)"):
        place.published.check_usable()


PUBLISH_FOR_EVER = """
import sys
import time
from pathlib import Path
from ncf_assets.warehouse.object_store import ObjectStore
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.warehouse import test_bucket as shared
place = Warehouse(Path(sys.argv[1]), store=ObjectStore(sys.argv[2]))
number = int(sys.argv[3])
while True:
    number += 1
    shared.publish_items(place, *[f"{number:06}"] * 1000)
    shared.publish_model(place, f"{number:06}", place.seen("gmf_model", "A"))
    shared.publish_report(place, f"{number:06}", place.seen("evaluation_report", "A"))
    print("published", flush=True)
    time.sleep(1)  # the store's clock, by which the oldest versions go, has whole seconds
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kills", [24, pytest.param(200, marks=pytest.mark.acceptance)])
def test_kills_at_any_step_of_publishing_tear_and_lose_nothing(
    machines: Machines, kills: int, bucket: str
) -> None:
    """A process publishes a table, a model and a report again and again, and is killed.

    Whenever that is, another machine reads each of them whole, and none is older than before.
    """
    random_, last = random.Random(5), {"table": 0, "model": 0, "report": 0}
    for name, publish in (("gmf_model", publish_model), ("evaluation_report", publish_report)):
        publish(machines.b, "000000", machines.b.seen(name, "A"))
    publish_items(machines.b, "000000")
    for _ in range(kills):
        first = str(max(last.values()))
        words = ["python", "-c", PUBLISH_FOR_EVER, str(machines.a.root), bucket, first]
        process = forking.start(words, stdout=subprocess.PIPE)
        assert process.stdout
        try:
            assert process.stdout.readline() == "published\n"
            until = time.monotonic() + random_.uniform(0.9, 1.9)  # it publishes again after 1 s
            while time.monotonic() < until:
                assert_whole(machines.b, last)
            assert process.poll() is None
        finally:
            process.kill()
            process.communicate()
        assert_whole(machines.b, last)
    assert min(last.values()) >= kills
    # the one before, and an older one if the last kill came before that was removed
    kept = machines.b.previous_versions("items", "A")
    assert kept
    for before in kept:
        copy = machines.b.published.find(before)
        assert copy is not None
        verify(copy)


def assert_whole(place: Warehouse, last: dict[str, int]) -> None:
    """Each is of one version, and not older than what was read before."""
    for what, read in (("table", lambda: {*items(place)}), ("model", model), ("report", report)):
        (found,) = read() if what == "table" else read(place)  # type: ignore[call-arg]
        assert int(found) >= last[what], what
        last[what] = int(found)
