"""What an object store does for us, on S3 (moto's) and on a folder."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from ncf_assets.warehouse.store import IDENTITY, Store, StoreError
from ncf_assets_tests.object_store import BUCKET, STORES


def test_an_object_is_created_once(store: Store) -> None:
    """The second is refused, and the first stays."""
    assert store.create("once/a b", b"first")
    assert not store.create("once/a b", b"second")
    assert store.read("once/a b") == b"first"


def test_an_object_is_replaced_whole_and_its_etag_tells(store: Store, tmp_path: Path) -> None:
    """The ETag of what is put, of what is listed and of what is fetched is the same."""
    (file := tmp_path / "file").write_bytes(b"x" * 12_000_000)  # more than S3 takes at once
    first = store.upload(file, "t/dataset=A/data.parquet")
    file.write_bytes(b"y")
    second = store.upload(file, "t/dataset=A/data.parquet")
    assert first != second
    assert {key: entry.etag for key, entry in store.entries("t/").items()} == {
        "t/dataset=A/data.parquet": second
    }
    found = store.download("t/dataset=A/data.parquet", tmp_path / "copy")
    assert found is not None
    assert found.etag == second
    assert (tmp_path / "copy").read_bytes() == b"y"


def test_what_is_not_there_is_none(store: Store, tmp_path: Path) -> None:
    """And can be removed all the same."""
    assert store.read("no/such") is None
    assert store.download("no/such", tmp_path / "copy") is None
    store.remove("no/such")
    assert store.entries("no/") == {}


def test_a_removed_object_is_gone(store: Store) -> None:
    """It is no longer listed."""
    store.write("gone/a", b"1")
    store.write("gone/b", b"2")
    store.remove("gone/a")
    assert list(store.entries("gone/")) == ["gone/b"]


def test_a_store_keeps_the_identity_that_it_was_given_first(store: Store) -> None:
    """By which it is told from another at the same address."""
    first = store.identity()
    assert first is not None
    assert store.begin() == first
    store.remove(IDENTITY)
    assert store.identity() is None
    assert store.begin() != first


def test_the_package_that_is_wanted_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not installed by itself."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(StoreError, match=r"not installed; run `pip install -e '\.\[store\]'`"):
        Store("s3://warehouse/ncf").read("a")


def test_the_store_has_a_clock(store: Store) -> None:
    """On loopback it is ours."""
    assert abs(store.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_store_that_is_not_there_is_told_with_what_to_look_at(tmp_path: Path) -> None:
    """A folder that nobody made."""
    with pytest.raises(StoreError, match=r"the object store file://\S+ could not be used \(.+\)"):
        Store(f"file://{tmp_path}/bucket").write("a", b"")


def test_a_bucket_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server answers, the bucket does not exist."""
    with STORES["s3"](tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StoreError, match="see that it is there"):
            Store("s3://nobodys/ncf").write("a", b"")


def test_a_key_that_leads_out_of_the_data_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As somebody who may write to the bucket could have put there."""
    with STORES["s3"](tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").put_object(Bucket=BUCKET, Key="ncf/tables/../../evil", Body=b"")
        with pytest.raises(StoreError, match=r"illegal character sequence \"\.\."):
            Store(variables["NCF_STORE"]).entries("tables/")


@pytest.mark.parametrize("name", ["bucket/folder", "file://folder"])
def test_a_name_that_is_no_url_is_no_store(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A bucket's name alone is not taken for one, nor a folder whose path begins nowhere."""
    monkeypatch.setenv("NCF_STORE", name)
    with pytest.raises(ValueError, match=r"such as s3://bucket/folder or .*, found '(bu|file)"):
        Store.of_environment()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/bucket", "s3://a b/c"])
def test_what_cannot_be_a_store_is_told(url: str) -> None:
    """A web server, and an address that is none."""
    with pytest.raises(StoreError, match=f"the object store {url} could not be used"):
        Store(url).create("a", b"1")


def test_an_identity_that_was_emptied_is_told(store: Store) -> None:
    """It is not taken for another store."""
    store.write(IDENTITY, b"")
    with pytest.raises(StoreError, match=f"{IDENTITY} is empty; remove it"):
        store.begin()
