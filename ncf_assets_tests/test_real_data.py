"""The whole lineage on real Amazon files of all three formats, where they are to be had."""

import shutil

import pytest
import yaml

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import ncf
from ncf_assets_tests.paths import ROOT

REAL = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not REAL.exists(), reason=f"no real reviews in {REAL}")
REGISTRY = f"""
[Musical_Instruments]
format = "amazon-2014"
url = "http://127.0.0.1:9/reviews_Musical_Instruments_5.json.gz"

[Digital_Music]
format = "amazon-2014"
path = "{REAL}/amazon-2014/reviews_Digital_Music_5.first6907.json.gz"

[All_Beauty_2018]
format = "amazon-2018"
path = "{REAL}/amazon-2018/All_Beauty_5.json.gz"

[All_Beauty_2023]
format = "amazon-2023"
path = "{REAL}/amazon-2023/All_Beauty.jsonl.gz"
"""
TRAINING = {"epochs": 2, "batch_size": 4096}
CONFIG = {
    "negatives": {"n_negatives": 99},
    "ials_model": {"factors": 8, "iterations": 2},
    "gmf_model": TRAINING,
    "mlp_model": {"layers": [16, 8], **TRAINING},
    "neumf_model": TRAINING,
}
# 85 items, of which some users have seen many: 99 unseen ones there are not
FEW_ITEMS = CONFIG | {"negatives": {"n_negatives": 20}}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A registry of the real files; Musical_Instruments lies in data/raw."""
    made = Warehouse(tmp_path_factory.mktemp("data"))
    (made.root / "datasets.toml").write_text(REGISTRY)
    for name, assets in (("small", CONFIG), ("few_items", FEW_ITEMS)):
        ops = {asset: {"config": config} for asset, config in assets.items()}
        (made.root / f"{name}.yaml").write_text(yaml.safe_dump({"ops": ops}))
    made.paths.raw.mkdir()
    shutil.copy(REAL / "amazon-2014" / "reviews_Musical_Instruments_5.json.gz", made.paths.raw)
    return made


def materialize(warehouse: Warehouse, dataset: str, *more: str, trains: bool = False) -> None:
    """As its user does, or fail with what the command said."""
    done = ncf(warehouse.root, "materialize", dataset, *more, trains=trains)
    assert done.returncode == 0, done.stdout + done.stderr


def everything(warehouse: Warehouse, dataset: str, config: str) -> None:
    """Materialize all assets with small networks of two epochs."""
    file = str(warehouse.root / f"{config}.yaml")
    materialize(warehouse, dataset, "--config", file, trains=True)


def rows(warehouse: Warehouse, dataset: str, *tables: str) -> list[int]:
    """How many rows each table has."""
    return [warehouse.get_provenance(table, dataset).rows for table in tables]


@pytest.mark.acceptance
def test_musical_instruments_has_the_published_counts(warehouse: Warehouse) -> None:
    """10,261 reviews of 1,429 users and 900 items; two of each user are held out."""
    name = "Musical_Instruments"
    everything(warehouse, name, "small")
    tables = ("raw_reviews", "rejected_reviews", "users", "items", "test", "validation", "train")
    assert rows(warehouse, name, *tables) == [10_261, 0, 1_429, 900, 1_429, 1_429, 7_403]
    negatives = warehouse.read("negatives", name)
    distinct = negatives.groupby("user")["item"].nunique()
    assert len(distinct) == 1_429
    assert set(distinct) == {99}
    seen = warehouse.read("interactions", name)[["user", "item"]]
    assert negatives.merge(seen, on=["user", "item"]).empty


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("name", "accepted", "users", "items", "config"),
    [
        ("Digital_Music", 6_907, 2_490, 382, "small"),
        ("All_Beauty_2018", 5_269, 991, 85, "few_items"),
        ("All_Beauty_2023", 2_544, 253, 356, "small"),
    ],
)
def test_other_real_files_run_to_the_report(
    warehouse: Warehouse, name: str, accepted: int, users: int, items: int, config: str
) -> None:
    """With the counts of data/README.md beside the files, and no line rejected."""
    everything(warehouse, name, config)
    tables = ("raw_reviews", "rejected_reviews", "users", "items")
    assert rows(warehouse, name, *tables) == [accepted, 0, users, items]
    assert warehouse.existing("evaluation_report", name).with_name("report.html").exists()


@pytest.mark.process
def test_duplicates_are_counted_once(warehouse: Warehouse) -> None:
    """All_Beauty 2018 repeats 1,177 pairs of user and item, of 5,269 rows."""
    materialize(
        warehouse,
        "All_Beauty_2018",
        "--select",
        "raw_reviews,latest_reviews,users,items,interactions",
    )
    assert rows(warehouse, "All_Beauty_2018", "interactions") == [5_269 - 1_177]


@pytest.mark.process
def test_too_few_items_for_99_candidates_name_the_remedy(warehouse: Warehouse) -> None:
    """The default configuration on 85 items."""
    materialize(
        warehouse,
        "All_Beauty_2018",
        "--select",
        "raw_reviews,latest_reviews,users,items,interactions,split_rule,train,validation,test",
    )
    done = ncf(warehouse.root, "materialize", "All_Beauty_2018", "--select", "negatives")
    assert done.returncode == 1
    assert "Lower `n_negatives`" in done.stderr
