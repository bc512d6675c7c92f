"""Every step that writes, on a real file system without space."""

import hashlib
from collections.abc import Iterator

import dagster as dg
import pytest

from ncf_assets.warehouse import Warehouse
from ncf_assets_tests.assets.test_graph import failure, materialize
from ncf_assets_tests.small_disk import PAGE, filled, small_disk
from ncf_assets_tests.tiny import CONFIG, write_source

pytestmark = pytest.mark.slow  # imports TensorFlow and trains
STEPS = {
    # in the order of the data's way; the assets of each, and what makes them other than before
    "reviews": (["raw_reviews", "rejected_reviews"], {}),
    "users": (["users"], {}),
    "interactions": (["interactions"], {"seed": 1}),
    "train": (["train"], {}),
    "validation": (["validation"], {}),
    "test": (["test"], {}),
    "negatives": (["negatives"], {"seed": 1}),
    "test_candidates": (["test_candidates"], {}),
    "baselines": (["baselines"], {}),
    "ials_model": (["ials_model"], {"seed": 1}),
    "gmf_model": (["gmf_model"], {"saved_model": True}),
    "mlp_model": (["mlp_model"], {}),
    "neumf_model": (["neumf_model"], {}),
    "training_history": (["training_history"], {}),
    "ranking_pass": (["test_ranks", "recommendations"], {}),
    "metrics": (["metrics"], {}),
    "item_neighbours": (["item_neighbours"], {}),
    "evaluation_report": (["evaluation_report"], {}),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture(scope="module")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance
) -> Iterator[Warehouse]:
    """The tiny data set, materialized on a small disk."""
    with small_disk(tmp_path_factory.mktemp("disk")) as disk:
        write_source(disk)
        assert materialize(Warehouse(disk), instance).success
        yield Warehouse(disk)


def files(warehouse: Warehouse) -> dict[str, str]:
    """The hash of each file, but for those with which a training goes on when there is space."""
    return {
        str(file.relative_to(warehouse.root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in warehouse.root.rglob("*")
        if file.is_file() and not {"tensorboard", "checkpoint.npz"} & set(file.parts)
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_stops_a_step_and_nothing_else(
    warehouse: Warehouse, instance: dg.DagsterInstance, step: str
) -> None:
    """However much it can write: what was in place stays, no file is left, the remedy is named.

    At last there is space enough, and what follows works on what was made.
    """
    assets, changes = STEPS[step]
    config = CONFIG["ops"].get(step, {"config": {}})["config"] | changes
    for pages in (0, 4, 16, 64, 1024):
        before = files(warehouse)
        with filled(warehouse.root, pages * PAGE):
            result = materialize(warehouse, instance, assets, {"ops": {step: {"config": config}}})
        if result.success:
            break
        assert files(warehouse) == before
        message = failure(result, step)
        for words in ("the disk is full (", " MB that are free at /", "NCF_DATA_DIR", "is whole ("):
            assert words in message
    assert result.success
    assert pages > 0
