"""Running assets in this process, and why one failed."""

from typing import Any

import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from ncf_assets.definitions import build_defs
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.tiny import CONFIG

DEFS = build_defs()
ASSETS = [made for made in DEFS.assets or [] if isinstance(made, dg.AssetsDefinition)]
# tables, as far as the stages ingest, prepare and split
READ = ["raw_reviews", "rejected_reviews"]
FILTERED = ["latest_reviews", "filters"]
PREPARED = [*READ, *FILTERED, "users", "items", "interactions"]
SPLIT = [*PREPARED, "split_rule", "train", "validation", "test"]


def materialize(
    warehouse: Warehouse, instance: dg.DagsterInstance, selection: Any = None, config: Any = CONFIG
) -> dg.ExecuteInProcessResult:
    """Run assets on the tiny data set."""
    return dg.materialize(
        ASSETS,
        instance=instance,
        partition_key="Sample",
        resources={"warehouse": warehouse},
        run_config=config,
        selection=selection,
        raise_on_error=False,
    )


def failed_partitions(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """The partitions that Dagster's UI shows as failed, by asset."""
    graph, found = DEFS.resolve_asset_graph(), {}
    for key in graph.materializable_asset_keys:
        if partitions := graph.get(key).partitions_def:
            cached = get_and_update_asset_status_cache_value(instance, key, partitions)
            failed = cached and cached.deserialize_failed_partition_subsets(partitions)
            if failed:
                found[key.to_user_string()] = sorted(failed.get_partition_keys())
    return found


def failure(result: dg.ExecuteInProcessResult, step: str) -> str:
    """What a failed step says."""
    (event,) = [e for e in result.all_events if e.is_step_failure and e.step_key == step]
    data = event.step_failure_data
    if data.user_failure_data:
        return str(data.user_failure_data.description)
    error = data.error
    while error.cause:
        error = error.cause
    return error.message
