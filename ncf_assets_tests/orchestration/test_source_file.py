"""The check of the source file, as Dagster's UI executes it."""

from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.definitions import build_defs
from ncf_assets.warehouse.warehouse import Warehouse

pytestmark = pytest.mark.process
CHECK = dg.AssetCheckKey(dg.AssetKey("source_file"), "source_file_found")


@pytest.mark.parametrize(("partition", "asked"), [("Here", ["Here"]), (None, ["Here", "Gone"])])
def test_the_check_asks_for_one_dataset_or_without_a_partition_for_all(
    tmp_path: Path, instance: dg.DagsterInstance, partition: str | None, asked: list[str]
) -> None:
    """Each has a result of its own, with what is missing; nothing is downloaded or made."""
    (tmp_path / "Here.json").write_text("{}")
    registry = tmp_path / "datasets.toml"
    blocks = (
        f'[{name}]\nformat = "amazon-2014"\npath = "{name}.json"\n' for name in ("Here", "Gone")
    )
    registry.write_text("".join(blocks))
    defs = build_defs(Warehouse(tmp_path))
    job = defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(), asset_check_selection={CHECK}
    )
    done = job.execute_in_process(instance=instance, partition_key=partition)
    found = done.get_asset_check_evaluations()
    assert [one.partition for one in found] == asked
    assert [one.passed for one in found] == [name == "Here" for name in asked]
    assert all("Put the file there" in str(one.description) for one in found if not one.passed)
    assert {path.name for path in tmp_path.iterdir()} == {"Here.json", registry.name}
