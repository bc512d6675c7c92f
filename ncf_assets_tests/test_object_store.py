"""The commands on two machines that share a bucket: two data folders, S3 as moto serves it."""

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ncf_assets.warehouse.store import Store
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets.warehouse.working_copy import is_shared
from ncf_assets_tests.cli.commands import ncf, start, tiny_folder
from ncf_assets_tests.object_store import new_bucket
from ncf_assets_tests.tiny import CONFIG, contents

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]
TABLES = "raw_reviews,rejected_reviews,latest_reviews,filters,users,items,interactions"
TABLES += ",split_rule,train,validation,test,negatives"
SOME = {"ops": {"negatives": CONFIG["ops"]["negatives"]}}


@pytest.fixture
def bucket(moto: str) -> dict[str, str]:
    """The environment variables for an empty bucket."""
    return new_bucket(moto)


def ran(data: Path, bucket: dict[str, str], *words: str, trains: bool = False) -> str:
    """What a command prints, which must succeed."""
    done = ncf(data, *words, trains=trains, **bucket)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def put(made: Path) -> None:
    """Fill the empty store of the environment with what is materialized in a data folder."""
    store = Store.from_env()
    assert store is not None
    store.begin()
    for file in made.rglob("*"):
        key = file.relative_to(made).as_posix()
        if file.is_file() and is_shared(key):
            store.upload(file, key)


def test_what_one_machine_makes_the_other_has(
    bucket: dict[str, str], made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, a model and the report on the first; the second reads all, and makes some anew."""
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    put(made)
    a, b = tiny_folder(tmp_path / "a"), tiny_folder(tmp_path / "b")
    selected = "negatives,served_model,evaluation_report"
    call = ["materialize", "Sample", "--select", selected, "--config", str(tmp_path / "some.yaml")]
    (tmp_path / "some.yaml").write_text(yaml.safe_dump(SOME))
    ran(a, bucket, *call, trains=True)

    first = ncf(b, "status", **bucket)
    assert f"files of {bucket['NCF_STORE']}, " in first.stderr
    assert ncf(b, "status", **bucket).stderr == ""
    count = "select count(*) as n from test_ranks"
    assert ran(b, bucket, "sql", "--csv", count) == ran(a, bucket, "sql", "--csv", count)
    assert contents(Warehouse(b)) == contents(Warehouse(a))
    for file in (
        "models/served_model/dataset=Sample/model.json",
        "reports/dataset=Sample/report.html",
    ):
        assert (b / file).read_bytes() == (a / file).read_bytes()
    assert "nothing is wrong" in ran(b, bucket, "doctor")

    config = ("--config", str(tmp_path / "neighbors.yaml"))
    Path(config[1]).write_text("ops: {item_similarities: {config: {neighbors: 1}}}\n")
    ran(b, bucket, "materialize", "Sample", "--select", "item_similarities", *config)
    ran(b, bucket, "leaderboard")
    assert ran(a, bucket, "sql", "--csv", "select count(*) from item_similarities").endswith(
        "\n12\n"
    )
    assert ran(a, bucket, "sql", "--csv", "select distinct dataset from leaderboard") == (
        "dataset\nSample\n"
    )


def test_a_machine_that_is_killed_leaves_the_bucket_whole(
    bucket: dict[str, str], tmp_path: Path
) -> None:
    """Killed once it has its first table; another goes on at once and gets the same tables."""
    folders = [tiny_folder(tmp_path / name) for name in ("killed", "other", "whole")]
    killed, other, whole = folders
    call = ["materialize", "Sample", "--config", str(killed / "run.yaml"), "--select", TABLES]
    nowhere = subprocess.DEVNULL
    process = start(killed, "ncf-assets", *call, more=bucket, stdout=nowhere, stderr=nowhere)
    while not Warehouse(killed).paths.file("raw_reviews", "Sample").exists():
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    process.kill()
    process.wait()
    ran(other, bucket, *call)
    ran(killed, bucket, "status")
    ran(whole, {}, *call)
    for table in TABLES.split(","):
        found = [
            Warehouse(folder).get_provenance(table, "Sample").content_hash for folder in folders
        ]
        assert len(set(found)) == 1, table


def test_a_bucket_that_cannot_be_reached_is_told_before_any_work(tmp_path: Path) -> None:
    """Nothing listens there."""
    bucket = {
        "NCF_STORE": "s3://warehouse/ncf",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    data = tiny_folder(tmp_path / "data")
    done = ncf(data, "materialize", "Sample", **bucket)
    assert done.returncode == 1
    assert "Error: the object store s3://warehouse/ncf could not be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (data / "tables").exists()
