"""What becomes of failing steps: real servers, real limits, and Dagster's own tries."""

import errno
import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from filelock import FileLock

from ncf_assets.ingest import http_download
from ncf_assets.orchestration import errors
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.ingest.corpus import changed
from ncf_assets_tests.ingest.server import Server, serving
from ncf_assets_tests.running import FILTERED, READ, failure, materialize
from ncf_assets_tests.tiny import write_source

pytestmark = pytest.mark.process
TRIES = 1 + 2  # with the short waits of these tests


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of one review."""
    with serving() as running:
        running.body = changed() + b"\n"
        yield running


@pytest.fixture
def warehouse(tmp_path: Path, server: Server) -> Warehouse:
    """A data folder whose Sample is to be downloaded from the server."""
    (tmp_path / "datasets.toml").write_text(
        f'[Sample]\nformat = "amazon-2014"\nurl = "{server.address}/reviews.json"\n'
    )
    return Warehouse(tmp_path)


@pytest.fixture
def tiny(tmp_path: Path, instance: dg.DagsterInstance) -> Warehouse:
    """The tiny data set, and the tables that were made of it."""
    write_source(tmp_path)
    made = Warehouse(tmp_path)
    assert materialize(made, instance, [*READ, *FILTERED, "users", "items"], {}).success
    return made


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more tries of a step, and two of a download."""
    monkeypatch.setattr(errors, "RETRY_DELAYS", (0.01, 0.02))
    monkeypatch.setattr(http_download, "RETRY_DELAYS", (0.01, 0.02))
    monkeypatch.setattr(catalogue, "LOCK_SECONDS", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def waits(result: dg.ExecuteInProcessResult) -> list[float]:
    """How long Dagster waited before each further try."""
    events = [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    return [event.step_retry_data.seconds_to_wait for event in events]


def warnings(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    """What a run has warned of."""
    logs = instance.all_logs(result.run_id)
    return [entry.user_message for entry in logs if entry.level == logging.WARNING]


def test_a_server_in_trouble_is_asked_again_by_the_download(
    warehouse: Warehouse, server: Server, instance: dg.DagsterInstance
) -> None:
    """Twice 503, then the file: the run succeeds, and the step was tried once."""
    server.behaviour = [503, 503]
    result = materialize(warehouse, instance, READ, {})
    assert result.success
    assert waits(result) == []
    assert warehouse.get_provenance("raw_reviews", "Sample").rows == 1


def test_a_server_that_stays_in_trouble_is_given_up(
    warehouse: Warehouse, server: Server, instance: dg.DagsterInstance
) -> None:
    """The tries of download and step do not multiply; the step fails with the remedy."""
    server.behaviour = [503] * 9
    result = materialize(warehouse, instance, READ, {})
    message = failure(result, "reviews")
    assert (len(server.requests), waits(result)) == (TRIES, [])
    assert f"{server.address}/reviews.json: HTTP status 503. Try again later" in message
    assert "in place" not in message  # where nothing is


def test_a_file_that_is_not_there_is_not_asked_for_again(
    warehouse: Warehouse, server: Server, instance: dg.DagsterInstance
) -> None:
    """404 stays."""
    server.behaviour = [404] * 9
    result = materialize(warehouse, instance, READ, {})
    assert "HTTP status 404. Correct `url`" in failure(result, "reviews")
    assert (len(server.requests), waits(result)) == (1, [])


def test_a_failed_check_is_not_tried_again(
    warehouse: Warehouse, server: Server, instance: dg.DagsterInstance
) -> None:
    """One review of two lines: the same file would be rejected again."""
    server.body = changed() + b"\nbad\n"
    result = materialize(warehouse, instance, READ, {})
    assert "rejected_reviews_below_limit" in failure(result, "reviews")
    assert waits(result) == []


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b\x08\x00 cut off"])
def test_wrong_data_is_not_tried_again(
    warehouse: Warehouse, server: Server, instance: dg.DagsterInstance, content: bytes
) -> None:
    """No file of reviews."""
    server.body = content
    result = materialize(warehouse, instance, READ, {})
    assert (result.success, waits(result), len(server.requests)) == (False, [], 1)


def test_what_is_published_is_recorded_if_sql_cannot_show_it_yet(
    tiny: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Another process holds the catalogue's lock: the run goes on, and a warning has the remedy."""
    lock = tiny.paths.database.with_suffix(".duckdb.lock")
    with FileLock(lock):
        result = materialize(tiny, instance, ["users"], {})
    assert (result.success, waits(result)) == (True, [])
    (event,) = result.asset_materializations_for_node("users")
    content = tiny.get_provenance("users", "Sample").content_hash
    assert event.metadata["content hash"].value == content
    (warning,) = warnings(instance, result)
    assert str(lock) in warning
    assert "What this step made is published" in warning
    assert "run `ncf-assets doctor --fix`" in warning


def test_a_version_that_the_run_replaced_is_not_called_intact(
    tiny: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview for the UI fails after items were published, and then before they are."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(AssetRun, "_materialized", full)
        result = materialize(tiny, instance, ["items"], {})
    assert tiny.get_provenance("items", "Sample").run_id == result.run_id
    message = failure(result, "items")
    assert "the disk is full" in message
    assert "intact" not in message
    monkeypatch.setattr(AssetRun, "check_publishable", full)
    message = failure(materialize(tiny, instance, ["items"], {}), "items")
    assert "The previous version of items (dataset Sample) is intact." in message


def allocate(instance: dg.DagsterInstance, sizes: list[int]) -> dg.ExecuteInProcessResult:
    """A step that wants memory from numpy, another number of bytes at each try."""
    wanted = iter(sizes)

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["Sample"]))
    def hungry(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        with errors.translate_errors(context, warehouse, ("users",)):
            np.empty(next(wanted), np.uint8)

    return dg.materialize(
        [hungry],
        instance=instance,
        partition_key="Sample",
        resources={"warehouse": Warehouse(Path("/nowhere"))},
        raise_on_error=False,
    )


def test_memory_that_another_run_gave_back_is_used(instance: dg.DagsterInstance) -> None:
    """A petabyte at first, a byte at the second try."""
    result = allocate(instance, [1 << 50, 1])
    assert (result.success, waits(result)) == (True, [0.01])


def test_too_little_memory_is_named_with_what_was_wanted(instance: dg.DagsterInstance) -> None:
    """After the last try."""
    message = failure(allocate(instance, [1 << 50] * TRIES), "hungry")
    assert "out of memory (Unable to allocate 1.00 PiB for an array" in message
    assert "this machine has " in message
    assert "End other programs or runs, lower NCF_DUCKDB_MEMORY_GB" in message


def test_duckdb_with_too_little_memory_names_limit_and_remedy(
    tiny: Warehouse, instance: dg.DagsterInstance
) -> None:
    """1 MB of memory: the same would be too little again."""
    small = Warehouse(tiny.root, memory_limit="1MB")
    result = materialize(small, instance, ["users"], {})
    message = failure(result, "users")
    assert waits(result) == []
    assert "DuckDB has used up the memory that it may have (" in message
    assert "Raise NCF_DUCKDB_MEMORY_GB" in message
