"""An object store, on S3 (moto's) and on a folder."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from ncf_assets.warehouse.store import IDENTITY, Store, StoreError
from ncf_assets_tests.object_store import new_bucket


def test_an_object_is_created_once(store: Store) -> None:
    """The second is refused, and the first stays."""
    assert store.create("once/a b", b"first")
    assert not store.create("once/a b", b"second")
    assert store.read("once/a b") == b"first"


def test_an_object_is_replaced_as_one_and_has_a_new_etag(store: Store, tmp_path: Path) -> None:
    """An object has the same ETag when it is put, listed and fetched."""
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


def test_an_object_that_does_not_exist_is_none(store: Store, tmp_path: Path) -> None:
    """Removing it is no error."""
    assert store.read("no/such") is None
    assert store.download("no/such", tmp_path / "copy") is None
    store.remove("no/such")
    assert store.entries("no/") == {}


def test_a_removed_object_is_gone(store: Store) -> None:
    """A removed object is no longer listed."""
    store.write("gone/a", b"1")
    store.write("gone/b", b"2")
    store.remove("gone/a")
    assert list(store.entries("gone/")) == ["gone/b"]


def test_a_store_keeps_the_identity_that_it_was_given_first(store: Store) -> None:
    """The identity distinguishes it from another store at the same address."""
    first = store.identity()
    assert first is not None
    assert store.begin() == first
    store.remove(IDENTITY)
    assert store.identity() is None
    assert store.begin() != first


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is an extra, which is not always installed."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(
        StoreError, match=r"not installed\. Run `pip install 'ncf-assets\[store\]'`"
    ):
        Store("s3://warehouse/ncf").read("a")


def test_the_store_has_a_clock(store: Store) -> None:
    """On loopback it is this machine's clock."""
    assert abs(store.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_store_that_does_not_exist_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """Nobody has made the folder."""
    unusable = r"the object store file://\S+ could not be used \(.+\)\. Check that it exists"
    with pytest.raises(StoreError, match=unusable):
        Store(f"file://{tmp_path}/bucket").write("a", b"")


@pytest.mark.service
def test_a_bucket_that_does_not_exist_is_an_error(
    monkeypatch: pytest.MonkeyPatch, moto: str
) -> None:
    """The server answers, but the bucket does not exist."""
    for name, value in new_bucket(moto).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=r"\)\. Check that it exists"):
        Store("s3://nobodys/ncf").write("a", b"")


@pytest.mark.service
def test_a_key_that_leads_out_of_the_data_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, moto: str
) -> None:
    """Somebody who may write to the bucket could have put it there."""
    variables = new_bucket(moto)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = variables["NCF_STORE"].split("/")[2]
    boto3.client("s3").put_object(Bucket=bucket, Key="ncf/tables/../../evil", Body=b"")
    with pytest.raises(StoreError, match=r"illegal character sequence \"\.\."):
        Store(variables["NCF_STORE"]).entries("tables/")


@pytest.mark.parametrize("name", ["bucket/folder", "file://folder"])
def test_a_name_that_is_no_url_is_no_store(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A bucket's name is not a URL, and a folder needs an absolute path."""
    monkeypatch.setenv("NCF_STORE", name)
    with pytest.raises(ValueError, match=r"such as s3://bucket/folder or .*, found '(bu|file)"):
        Store.from_env()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/bucket", "s3://a b/c"])
def test_a_url_that_cannot_be_a_store_is_an_error(url: str) -> None:
    """One is a web server's URL, and the other is not valid."""
    with pytest.raises(StoreError, match=f"the object store {url} could not be used"):
        Store(url).create("a", b"1")


def test_an_empty_identity_is_an_error(store: Store) -> None:
    """The store is not taken for another one."""
    store.write(IDENTITY, b"")
    with pytest.raises(StoreError, match=rf"{IDENTITY} is empty\. Remove it"):
        store.begin()
