"""Spark makes the tables that DuckDB makes, to the last bit: on a cluster of two workers."""

import gzip
import importlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.source import ROWS, batches, files_of, rows
from ncf_assets.ncf.evaluation import evaluation_negatives, neumf_scorer, ranking
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ials, mllib, neumf
from ncf_assets.ncf.models.ials import Factors, IalsSettings
from ncf_assets.ncf.models.mllib import MllibSettings
from ncf_assets.ncf.recommend import user_blocks
from ncf_assets.orchestration.resources import EngineResource, warehouse_resource
from ncf_assets.orchestration.user_blocks import map_users
from ncf_assets.serving import Recommender
from ncf_assets.tables import tables
from ncf_assets.warehouse.scratch import Scratch
from ncf_assets.warehouse.spark import Spark, SparkError, result_files
from ncf_assets.warehouse.spark_sql import translate
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf, tiny_folder
from ncf_assets_tests.drawn import select
from ncf_assets_tests.paths import DATA, ROOT
from ncf_assets_tests.running import ASSETS, failure
from ncf_assets_tests.spark_cluster import cluster, missing
from ncf_assets_tests.tiny import CONFIG, copied

REAL = ROOT.parent / "shared/data/amazon-2014/reviews_Musical_Instruments_5.json.gz"
SAMPLE = DATA / "sample/reviews_Sample_5.json.gz"
READ = ["raw_reviews", "rejected_reviews", "filters", "split_rule"]  # not by SQL
DRAWN: dict[str, Any] = {
    "metrics": [
        ("neumf", "full", "all", "hr", 10, 1 / 3, 0.1, 0.7, 3, 3, 0.02),
        ("neumf", "full", "cold", "hr", 10, 0.0, 0.0, 0.0, 1, 3, 0.0),  # a segment: stays out
        ("ials", "full", "all", "hr", 10, 0.3, 0.1, 0.7, 3, 1, None),
    ],
    "comparisons": [
        ("neumf", "ials", "full", "hr", 10, 0.03, None, None, None, 0.01, 3, None, "undecided"),
    ],
}
# these stand on drawn tables: what they read comes from networks, which are not trained here
AFTER_TRAINING: dict[str, dict[str, str]] = {
    "leaderboard": {"dataset": "A", "report": "a.html", "report_content": "0f", "state": "current"},
}
BY_USER = ["negatives", "test_ranks", "diversity", "example_lists", "recommendations"]
BY_SQL = sorted(t.name for t in tables().values() if t.select and t.name not in AFTER_TRAINING)


def test_decimals_become_doubles_and_words_are_quoted() -> None:
    """`user` is a function in Spark, and a mean of decimals a rounded decimal."""
    assert translate("select avg(1.0 * user) as n from test where user <> 1 and user > $least") == (
        "SELECT AVG(CAST(1.0 AS DOUBLE) * `user`) AS `n` FROM `test`"
        " WHERE `user` <> 1 AND `user` > :least"
    )


def test_an_engine_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any run."""
    monkeypatch.setenv("NCF_ENGINE", "flink")
    with pytest.raises(ValueError, match=r"must be duckdb or spark, found 'flink'\. Correct it"):
        EngineResource.from_env()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The extra is not installed by itself."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(
        SparkError, match=r"not installed\. Run `pip install 'ncf-assets\[spark\]'`"
    ):
        list(Spark().rows("select 1 as a", {}, {}, Scratch(tmp_path)))


@pytest.mark.service
@pytest.mark.parametrize(
    ("environment", "url", "said"),
    [
        (
            {"JAVA_HOME": "/nowhere"},
            "local",
            r"could not start at local \(.*JAVA_GATEWAY_EXITED.*\)\. Install Java 17 \(JAVA_HOME\)",
        ),
        (
            {"SPARK_HOME": "/nowhere"},
            "local",
            r"found no Spark in /nowhere\. Unset SPARK_HOME",
        ),
        (
            {"SPARK_LOCAL_HOSTNAME": "nowhere.invalid"},
            "local",
            r"could not start at local \(.*UnresolvedAddress.*\)\. Set SPARK_LOCAL_IP to an",
        ),
        (
            {},
            "spark://nowhere.invalid:7077",
            r"no master of Spark answers at spark://nowhere.invalid:7077"
            r" \(nowhere.invalid:7077: .*(known|resolution|No address).*\)\. Start it, correct",
        ),
        (
            {},
            "spark://127.0.0.1:1,[::1]:1",
            r"\(127.0.0.1:1: Connection refused, \[::1\]:1: .*\)\. Start it, correct",
        ),
        pytest.param(
            {},
            "spark://here",
            r"could not start at spark://here \(.*Invalid master URL.*\)\. Correct NCF_SPARK",
            marks=pytest.mark.acceptance,
        ),
    ],
)
def test_what_keeps_spark_from_starting_is_named(
    environment: dict[str, str], url: str, said: str
) -> None:
    """Java, Spark, the name of this machine or the master's: each with a remedy of its own.

    In a process of its own, which has no Java running.
    """
    if reason := missing():
        pytest.skip(reason)
    code = "from ncf_assets.warehouse.spark import Spark"
    code += f"; next(Spark('{url}').rows('', {{}}, {{}}, ''))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=os.environ | environment, check=False, capture_output=True, text=True
    )
    assert re.search(f"SparkError: .*{said}", done.stderr)
    assert ("Install Java" in done.stderr) == ("JAVA_HOME" in environment)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a cluster of two workers."""
    if reason := missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as environment, cluster(folder) as url:
        environment.setenv("SPARK_CONF_DIR", str(folder))
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        environment.setenv("PYSPARK_SUBMIT_ARGS", "--driver-memory 512m pyspark-shell")
        yield url


def parts(folder: Path) -> Path:
    """The Sample in three files: gzipped, plain, and gzipped; a line in the second is no review."""
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)
    folder.mkdir()
    (folder / "0.json.gz").write_bytes(gzip.compress(b"".join(lines[:9000]), 1))
    (folder / "1.json").write_bytes(b"".join([*lines[9000:9100], b"none\n", *lines[9100:9200]]))
    (folder / "2.json.gz").write_bytes(gzip.compress(b"".join(lines[9200:]), 1))
    return folder


def materialized(root: Path, dataset: str, engine: dict[str, str]) -> Warehouse:
    """A data folder of one dataset, with all tables before training."""
    source = REAL if dataset == "Musical_Instruments" else parts(root / "parts")
    (root / "datasets.toml").write_text(f'[{dataset}]\nformat = "amazon-2014"\npath = "{source}"\n')
    made = Warehouse(root)
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            ASSETS,
            instance=instance,
            partition_key=dataset,
            resources={"engine": EngineResource(), "warehouse": warehouse_resource(made)},
            run_config={"resources": {"engine": {"config": engine}}},
            selection=[*READ, "negatives", *BY_SQL],
        )
    assert result.success
    return made


@pytest.mark.service
@pytest.mark.parametrize(
    "dataset", ["Sample", pytest.param("Musical_Instruments", marks=pytest.mark.acceptance)]
)
def test_every_table_has_the_same_content_from_both_engines(
    master: str, tmp_path: Path, dataset: str
) -> None:
    """Sample, read from three files, and, where it is to be had, a real file; the catalogue too."""
    if dataset == "Musical_Instruments" and not REAL.exists():
        pytest.skip(f"no real reviews in {REAL}")
    made = {}
    for kind in ("duckdb", "spark"):
        (tmp_path / kind).mkdir()
        place = materialized(tmp_path / kind, dataset, {"kind": kind, "master": master})
        made[kind] = {
            table: place.get_provenance(table, dataset).content_hash for table in [*READ, *BY_SQL]
        }
        assert not [path for path in (place.root / "tmp").rglob("*") if path.is_file()]
    assert made["spark"] == made["duckdb"]
    with duckdb.connect(place.paths.database, read_only=True) as catalogue:
        shown = catalogue.execute("select count(*) from interactions").fetchall()
    assert shown == [(place.get_provenance("interactions", dataset).rows,)]


def by_user(made: Path, root: Path, engine: dict[str, str]) -> dict[str, str]:
    """Make again, in a copy of a data folder, what is made by blocks of users: content hashes."""
    shutil.copytree(made, root)
    place = Warehouse(root)
    resources = {"engine": EngineResource(), "warehouse": warehouse_resource(place)}
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            ASSETS,
            instance=instance,
            partition_key="Sample",
            resources=resources,
            run_config={
                "ops": {name: CONFIG["ops"][name] for name in ("negatives", "recommendations")},
                "resources": {"engine": {"config": engine}},
            },
            selection=BY_USER,
        )
    assert result.success
    return {table: place.get_provenance(table, "Sample").content_hash for table in BY_USER}


@pytest.mark.service
def test_negatives_ranks_and_recommendations_are_the_same_by_workers(
    master: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all models, in tasks of 5 users' negatives and of 2 users' scores, with two workers."""
    monkeypatch.setattr(evaluation_negatives, "AT_ONCE", 5)
    monkeypatch.setattr(user_blocks, "SCORED_AT_ONCE", 1)
    monkeypatch.setattr(ranking, "CELLS", 24)  # of a block: 2 users by 12 items
    by_engine = [
        by_user(made, tmp_path / kind, {"kind": kind, "master": master})
        for kind in ("duckdb", "spark")
    ]
    assert by_engine[0] == by_engine[1]


@pytest.mark.service
@pytest.mark.acceptance
def test_the_sample_is_the_same_by_workers(master: str, tmp_path: Path) -> None:
    """With networks that are trained for two epochs, which is enough to be ranked."""
    data = tiny_folder(tmp_path / "made")
    (data / "datasets.toml").write_text(f'[Sample]\nformat = "amazon-2014"\npath = "{SAMPLE}"\n')
    words = ("--config", str(data / "run.yaml"), "--select", "+recommendations,+test_ranks")
    done = ncf(data, "materialize", "Sample", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    made = [
        by_user(data, tmp_path / kind, {"kind": kind, "master": master})
        for kind in ("duckdb", "spark")
    ]
    assert made[0] == made[1]


def fitted(root: Path, engine: dict[str, str], config: dict[str, Any]) -> Any:
    """Materialize models of a data folder in place."""
    resources = {"engine": EngineResource(), "warehouse": warehouse_resource(Warehouse(root))}
    with dg.instance_for_test() as instance:
        return dg.materialize(
            ASSETS,
            instance=instance,
            partition_key="Sample",
            resources=resources,
            run_config={"ops": config, "resources": {"engine": {"config": engine}}},
            selection=[*config],
            raise_on_error=False,
        )


@pytest.mark.service
def test_all_fits_are_by_mllib_if_one_is(
    master: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of NeuMF and of what is served follow the record, and users can be folded in."""
    monkeypatch.setattr(mllib, "BLOCKS", 2)  # which is sooner
    place = copied(made, tmp_path / "data")
    config = {name: dict(CONFIG["ops"][name]["config"]) for name in ("ials_model", "neumf_model")}
    one_value = {"regularization": [0.05], "unobserved_ratio": [1.0], "half_life": [2.0]}
    config["ials_model"] |= {"fitted_by": "mllib", **one_value}
    ops: dict[str, Any] = {name: {"config": of} for name, of in config.items()}
    result = fitted(place.root, {"kind": "spark", "master": master}, {**ops, "served_model": {}})
    assert result.success
    record = place.record("ials_model", "Sample")
    assert record["configuration"]["fitted_by"] == "mllib"
    assert record["versions"]["pyspark"] == importlib.metadata.version("pyspark")
    assert not [path for path in (place.root / "tmp").rglob("*") if path.is_file()]
    recommender = Recommender.load(place, "Sample")
    rows = place.read("interactions", "Sample").query("user == 3")
    history = rows.sort_values("recency", ascending=False)["item"].to_numpy()
    alone = Interactions.of(np.zeros(history.size, int), history, 1, 12)
    served = place.beside("served_model", "Sample", place.record("served_model", "Sample")["file"])
    own = neumf_scorer.block_scorer(neumf.load(served))(np.array([3]))
    folded = recommender.network.scorer(recommender.fold_in.embeddings(alone))(np.array([0]))
    np.testing.assert_allclose(folded, own, rtol=1e-3, atol=1e-4)
    refused = fitted(place.root, {"kind": "duckdb"}, {"served_model": {}})
    assert "is fitted by MLlib, which needs the engine spark" in failure(refused, "served_model")


@pytest.mark.service
@pytest.mark.acceptance
def test_mllib_is_as_good_on_the_sample(
    master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NDCG@10 on validation, of 32 factors and settings near the best."""
    monkeypatch.setattr(mllib, "BLOCKS", 2)  # which is sooner
    place = materialized(tmp_path, "Sample", {"kind": "duckdb"})
    settings = {"factors": 32, "iterations": 5, "regularization": [0.05], "unobserved_ratio": [7.0]}
    engine, ndcg = {"kind": "spark", "master": master}, {}
    for by in ("numpy", "mllib"):
        config = {**settings, "half_life": [0.0], "fitted_by": by}
        assert fitted(place.root, engine, {"ials_model": {"config": config}}).success
        ndcg[by] = place.record("ials_model", "Sample")["validation_ndcg_at_10"]
    assert ndcg["mllib"] == pytest.approx(ndcg["numpy"], abs=0.01)
    assert ndcg["numpy"] > 0.15


def test_rows_that_workers_left_elsewhere_are_missed(tmp_path: Path) -> None:
    """One file of two rows where two workers made three."""
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "part-00000-a.zstd.parquet")
    assert len(result_files(tmp_path, 2)) == 1
    with pytest.raises(SparkError, match=r"under the same path, found 2 of the workers' 3 rows"):
        result_files(tmp_path, 3)


@pytest.fixture(scope="module")
def spark(master: str) -> Iterator[Spark]:
    """One connection for all that follow: to start it takes longer than what most of them do."""
    found = Spark(master)
    yield found
    found.close()


@pytest.mark.service
def test_what_cannot_be_read_is_told_as_without_spark(spark: Spark, tmp_path: Path) -> None:
    """A task's refusal of a file stops the run, with its words and without a second try."""
    parts(tmp_path / "parts")
    (tmp_path / "parts" / "1.json").write_bytes(b"PK\x03\x04")
    files, dataset = files_of(tmp_path / "parts"), Dataset("A", "A", "amazon-2014")
    task = partial(rows, files, dataset, date(2026, 1, 1), 10**9)
    zipped = r"gzip, found zip\. Convert"
    with pytest.raises(SourceError, match=zipped):
        list(batches(spark.made(task, len(files), ROWS, Scratch(tmp_path / "rows"))))


@pytest.mark.service
def test_what_fails_on_the_cluster_is_told_with_a_remedy(spark: Spark, tmp_path: Path) -> None:
    """A table that is not where it is looked for, and a worker without a package."""

    def task(_: int) -> Iterator[pa.RecordBatch]:
        yield importlib.import_module("nowhere")

    place, schema = Scratch(tmp_path / "rows"), pa.schema({"n": pa.int64()})
    remedy = r"the engine spark failed {}.*\)\. Check that driver and workers see the data folder"
    with pytest.raises(SparkError, match=remedy.format(r"\(\[PATH_NOT_FOUND\]")):
        list(spark.rows("select n from t", {}, {"t": f"{tmp_path}/none.parquet"}, place))
    with pytest.raises(SparkError, match=remedy.format(r"\(ModuleNotFoundError: No module")):
        list(spark.made(task, 1, schema, place))


def loss(known: Interactions, settings: IalsSettings, factors: Factors) -> float:
    """The loss of IalsSettings for weights of 1, written out over all pairs."""
    seen = known.matrix().toarray()
    a = settings.unobserved_ratio * seen.mean()
    scores = factors.users @ factors.items.T
    of_users = (seen.sum(1) + a * known.n_items) @ (factors.users**2).sum(1)
    of_items = (seen.sum(0) + a * known.n_users) @ (factors.items**2).sum(1)
    penalty = settings.regularization * (of_users + of_items)
    return float((seen * (scores - 1) ** 2).sum() + a * (scores**2).sum() + penalty)


@pytest.mark.service
@pytest.mark.parametrize(
    ("drawn", "near"),
    [("even", 0.001), pytest.param("uneven", 0.03, marks=pytest.mark.acceptance)],
)
def test_mllib_minimizes_the_loss_of_ials(
    spark: Spark, tmp_path: Path, drawn: str, near: float
) -> None:
    """Of 40 users and 20 items: where each user has 4 and each item 8, it is the same loss.

    Where users have 1 to 7, MLlib's penalty leaves it near; one more iteration is nearer.
    """
    users = np.repeat(np.arange(40), 4 if drawn == "even" else np.arange(40) % 7 + 1)
    place = np.arange(users.size) - np.searchsorted(users, users)
    pairs = {"user": users, "item": (users // 2 + place * (1 + users % 2)) % 20}
    pq.write_table(pa.table(pairs), tmp_path / "known.parquet")
    known = Interactions.of(users, pairs["item"], 40, 20)
    settings = IalsSettings(3, 13, 2.0, 0.05, half_life=0, seed=1)
    wanted = MllibSettings.of(settings, 40, 20, known.n)
    few = asdict(replace(wanted, numUserBlocks=2, numItemBlocks=2))  # which is sooner
    files = {"known": f"{tmp_path}/known.parquet"}
    found = pa.Table.from_batches(
        spark.item_factors(
            "select user, item, 1.0 as weight from known",
            {},
            files,
            few,
            Scratch(tmp_path / "items"),
            f"file://{tmp_path}/checkpoints",
        )
    ).sort_by("id")
    assert found["id"].to_pylist() == list(range(20))
    items = np.array(found["features"].to_pylist(), np.float32) / wanted.length
    a = ials.unobserved_weight(known, settings)
    solver = ials.Solver(items, a, settings.regularization)
    of_mllib = Factors(ials.fold_in(known, solver, settings.half_life), items)
    losses = [
        loss(known, settings, factors)
        for factors in (of_mllib, ials.last_iteration(known, settings, items))
    ]
    lowest = loss(known, settings, ials.fit(known, replace(settings, iterations=100)))
    assert lowest * (1 - 1e-4) < losses[1] <= losses[0] < lowest * (1 + near)


@pytest.mark.service
def test_what_a_block_refuses_is_told_as_without_spark(spark: Spark, tmp_path: Path) -> None:
    """A worker's ValueError is raised by the driver, with its own words."""

    def refuse(users: np.ndarray) -> dict[str, np.ndarray]:
        if 2 in users:
            raise ValueError("User 2 has nothing. Give it something.")
        return {"user": users}

    run: Any = SimpleNamespace(warehouse=Warehouse(tmp_path, spark=spark), dataset="A")
    blocks = map_users(run, refuse, np.arange(4), 2)
    with pytest.raises(ValueError, match=r"^User 2 has nothing\. Give it something\.$"):
        list(blocks)
    [one, two] = map_users(run, lambda users: {"user": users * 2}, np.arange(4), 2)
    assert one["user"].tolist() == [0, 2]
    assert two["user"].tolist() == [4, 6]


def write(table: str, drawn: list[tuple[Any, ...]], file: Path) -> None:
    """A table of drawn rows as Parquet."""
    columns = ", ".join(f"{column.name} {column.type}" for column in tables()[table].columns)
    marks = ", ".join("?" for _ in tables()[table].columns)
    with duckdb.connect() as connection:
        connection.execute(f"create table drawn ({columns})")
        connection.executemany(f"insert into drawn values ({marks})", drawn)
        connection.execute(f"copy drawn to '{file}' (format parquet)")


@pytest.mark.service
def test_tables_after_training_agree_on_drawn_rows(spark: Spark, tmp_path: Path) -> None:
    """Logarithms and parameters included."""
    for table, parameters in AFTER_TRAINING.items():
        drawn = {name: DRAWN[name] for name in tables()[table].upstream}
        files = {name: f"{tmp_path}/{name}.parquet" for name in drawn}
        for name, file in files.items():
            write(name, drawn[name], Path(file))
        text = str(tables()[table].select)
        found = spark.rows(text, parameters, files, Scratch(tmp_path / table))
        made = [tuple(row.values()) for batch in found for row in batch.to_pylist()]
        assert made == select(table, drawn, **parameters)
