"""The commands on two machines that keep their data in one bucket: S3 as moto serves it."""

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ncf_assets.warehouse.lineage import find_inconsistencies
from ncf_assets.warehouse.object_store import ObjectStore
from ncf_assets.warehouse.parquet import verify
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf, start, tiny_folder
from ncf_assets_tests.object_store import new_bucket
from ncf_assets_tests.tiny import CONFIG, contents

pytestmark = [pytest.mark.service, pytest.mark.timeout(1200)]
TABLES = "raw_reviews,rejected_reviews,latest_reviews,filters,users,items,interactions"
TABLES += ",split_rule,train,validation,test,negatives"


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment variables for an empty bucket, which this process has as well."""
    variables = new_bucket(moto)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def ran(folder: Path, bucket: dict[str, str], *words: str, trains: bool = False) -> str:
    """What a command prints, which must succeed."""
    done = ncf(folder, *words, trains=trains, NCF_WORK_DIR=str(folder), **bucket)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def there(folder: Path, bucket: dict[str, str]) -> Warehouse:
    """What a machine with this work folder sees."""
    return Warehouse(folder, store=ObjectStore(bucket["NCF_DATA_DIR"]))


@pytest.mark.acceptance
def test_everything_is_made_in_the_bucket_and_read_from_an_empty_machine(
    bucket: dict[str, str], made: Path, tmp_path: Path
) -> None:
    """All assets on the first; the second has nothing, and queries, recommends and goes on."""
    a, b = tiny_folder(tmp_path / "a"), tiny_folder(tmp_path / "b")
    config = ("--config", str(a / "run.yaml"))
    said = ran(a, bucket, "materialize", "Sample", *config, trains=True)
    assert "report: " in said
    for folder in ("tables", "reports"):  # staged there, and gone
        assert not [file for file in (a / folder).rglob("*") if file.is_file()]
    assert not (a / "warehouse.duckdb").exists()

    shown = ran(b, bucket, "status")
    assert shown.startswith(f"data folder: {bucket['NCF_DATA_DIR']}; work folder: {b}")
    assert "ncf-assets sql)" in ran(b, bucket, "show", "Sample")
    ran(b, bucket, "recommend", "Sample", "user03")
    counted = "select count(*) as n from test_ranks"
    local = ncf(made, "sql", "--csv", counted).stdout
    assert ran(b, bucket, "sql", "--csv", counted) == local
    copied = list((b / "cache").rglob("data.parquet/*.parquet"))
    assert {file.parent.parent.parent.name for file in copied} <= {"metrics"}  # of `show`
    assert contents(there(b, bucket)) == contents(Warehouse(made))
    assert find_inconsistencies(there(b, bucket), ["evaluation_report"], "Sample") == []
    shell = ncf(b, "sql", NCF_WORK_DIR=str(b), **bucket)
    assert "the DuckDB shell reads no object store" in shell.stderr

    (b / "neighbors.yaml").write_text("ops: {item_similarities: {config: {neighbors: 1}}}\n")
    config = ("--config", str(b / "neighbors.yaml"))
    ran(b, bucket, "materialize", "Sample", "--select", "item_similarities", *config)
    ran(b, bucket, "leaderboard")
    similar = ran(a, bucket, "sql", "--csv", "select count(*) from item_similarities")
    assert similar.endswith("\n12\n")
    compared = ran(a, bucket, "sql", "--csv", "select distinct dataset from leaderboard")
    assert compared == "dataset\nSample\n"
    assert "nothing is wrong" in ran(b, bucket, "doctor")


def test_two_machines_on_one_dataset_give_one_result(
    bucket: dict[str, str], tmp_path: Path
) -> None:
    """At the same time, with other seeds: each table is whole, and a run that lost says so."""
    names = ("a", "b")
    processes = {}
    for seed, name in enumerate(names):
        folder = tiny_folder(tmp_path / name)
        config = {"ops": {"negatives": {"config": {**NEGATIVES, "seed": seed}}}}
        (folder / "some.yaml").write_text(yaml.safe_dump(config))
        call = ["materialize", "Sample", "--config", str(folder / "some.yaml"), "--select", TABLES]
        pipe = subprocess.PIPE
        more = bucket | {"NCF_WORK_DIR": str(folder)}
        processes[name] = start(folder, "ncf-assets", *call, more=more, stdout=pipe, stderr=pipe)
    said = {name: "".join(process.communicate()) for name, process in processes.items()}
    lost = [name for name in names if processes[name].returncode]
    for name in lost:
        told = ("another run, perhaps on another machine", "changed while being read")
        assert any(words in said[name] for words in told), said[name]
        assert "Traceback" not in said[name]
    assert len(lost) < 2, said
    place = there(tmp_path / "reader", bucket)
    for table in TABLES.split(","):
        verify(place.existing(table, "Sample"))
    assert find_inconsistencies(place, TABLES.split(","), "Sample") == []


NEGATIVES = CONFIG["ops"]["negatives"]["config"]


def test_two_machines_on_two_datasets_do_not_disturb_each_other(
    bucket: dict[str, str], tmp_path: Path
) -> None:
    """At the same time: both have all their tables, as one machine makes them."""
    processes = {}
    for name in ("Sample", "Other"):
        folder = tiny_folder(tmp_path / name)
        registry = (folder / "datasets.toml").read_text().replace("[Sample]", f"[{name}]")
        (folder / "datasets.toml").write_text(registry)
        call = [
            "materialize",
            name,
            "--select",
            "raw_reviews,rejected_reviews,latest_reviews,users",
        ]
        more = bucket | {"NCF_WORK_DIR": str(folder)}
        pipe = subprocess.PIPE
        processes[name] = start(folder, "ncf-assets", *call, more=more, stdout=pipe, stderr=pipe)
    for process in processes.values():
        out, errors = process.communicate()
        assert process.returncode == 0, out + errors
    place = there(tmp_path / "reader", bucket)
    hashes = {
        place.get_provenance("latest_reviews", name).content_hash for name in ("Sample", "Other")
    }
    assert len(hashes) == 1  # of the same reviews


def test_a_machine_that_is_killed_leaves_the_bucket_whole(
    bucket: dict[str, str], tmp_path: Path
) -> None:
    """Killed once it has its first table; another goes on at once and gets the same tables."""
    killed, other = (tiny_folder(tmp_path / name) for name in ("killed", "other"))
    selected = "raw_reviews,rejected_reviews,latest_reviews,users,items"
    call = ["materialize", "Sample", "--select", selected]
    nowhere = subprocess.DEVNULL
    more = bucket | {"NCF_WORK_DIR": str(killed)}
    process = start(killed, "ncf-assets", *call, more=more, stdout=nowhere, stderr=nowhere)
    while not there(killed, bucket).find_provenance("raw_reviews", "Sample"):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    process.kill()
    process.wait()
    ran(other, bucket, *call)
    place = there(killed, bucket)
    for table in selected.split(","):
        verify(place.existing(table, "Sample"))
    assert find_inconsistencies(place, selected.split(","), "Sample") == []


def test_a_bucket_that_cannot_be_used_is_told_before_any_work(
    bucket: dict[str, str], tmp_path: Path
) -> None:
    """Nothing listens there; and there is no such bucket."""
    data = tiny_folder(tmp_path / "data")
    for wrong, told in (
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "the object store s3://"),
        ({"NCF_DATA_DIR": "s3://nowhere/ncf"}, "there is no bucket at s3://nowhere/ncf. Create it"),
    ):
        variables = {**bucket, **wrong, "NCF_WORK_DIR": str(data)}
        done = ncf(data, "materialize", "Sample", "--select", "raw_reviews", **variables)
        assert done.returncode == 1
        assert told in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert not (data / "tables").exists()
