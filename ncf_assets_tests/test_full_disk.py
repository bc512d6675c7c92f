"""Every step that writes, on a real file system without space."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import ASSETS, DEFS, failure, materialize
from ncf_assets_tests.small_disk import PAGE, filled, small_disk
from ncf_assets_tests.tiny import CONFIG, copied

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
# what makes the result of a step, and of those that follow, other than before
CHANGES: dict[str, dict[str, object]] = {
    "interactions": {"seed": 1},
    "negatives": {"seed": 1},
    "served_model": {"saved_model": True},
}


def steps() -> dict[str, list[str]]:
    """The assets of one dataset that each step makes, in the order of the data's way."""
    step_of = {key: definition.op.name for definition in ASSETS for key in definition.keys}
    found: dict[str, list[str]] = {}
    graph = DEFS.resolve_asset_graph()
    for key in graph.toposorted_asset_keys:
        if key not in step_of or graph.get(key).partitions_def is None:  # the leaderboard
            continue
        found.setdefault(step_of[key], []).append(key.to_user_string())
    return found


@pytest.fixture(scope="module")
def warehouse(
    made: Path, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """The tiny data set and an empty search, materialized on a small disk."""
    with small_disk(tmp_path_factory.mktemp("disk")) as disk:
        found = copied(made, disk)
        assert materialize(found, instance, ["tuning_trials"], {}).success
        yield found


def files(warehouse: Warehouse) -> dict[str, str]:
    """The hash of each file, but for those with which a training goes on when there is space."""
    return {
        str(file.relative_to(warehouse.root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in warehouse.root.rglob("*")
        if file.is_file() and not {"tensorboard", "checkpoint.npz"} & set(file.parts)
    }


@pytest.mark.parametrize("step", steps())
def test_a_full_disk_stops_a_step_and_nothing_else(
    warehouse: Warehouse, instance: dg.DagsterInstance, step: str
) -> None:
    """However much it can write: what was in place stays, no file is left, the remedy is named.

    At last there is space enough, and what follows works on what was made.
    """
    config = CONFIG["ops"].get(step, {"config": {}})["config"] | CHANGES.get(step, {})
    run_config = {"ops": {step: {"config": config}}}
    for pages in (0, 4, 16, 64, 1024):
        before = files(warehouse)
        with filled(warehouse.root, pages * PAGE):
            result = materialize(warehouse, instance, steps()[step], run_config)
        if result.success:
            break
        assert files(warehouse) == before
        message = failure(result, step)
        for words in (
            "the disk is full (",
            " MB that are free at /",
            "NCF_DATA_DIR",
            ") is intact",
        ):
            assert words in message
    assert result.success
    assert pages > 0
