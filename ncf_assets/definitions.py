"""The Dagster code location: assets, jobs, sensors and resources, wired together. Wiring only."""

from importlib import resources

import dagster as dg

from ncf_assets.assets import (
    baselines,
    evaluate,
    ingest,
    leaderboard,
    prepare,
    rank,
    report,
    seeds,
    serve,
    split,
    train,
    tuning,
)
from ncf_assets.datasets import read
from ncf_assets.orchestration.executor import dataset_executor
from ncf_assets.orchestration.partitions import build_assets, dataset_partitions
from ncf_assets.orchestration.resources import EngineResource, warehouse_resource
from ncf_assets.orchestration.sensors import dead_runs, new_source_files
from ncf_assets.orchestration.source_file import source_file, source_file_found
from ncf_assets.orchestration.staleness import SEARCH
from ncf_assets.warehouse.history_note import check_history
from ncf_assets.warehouse.paths import check_checkout
from ncf_assets.warehouse.warehouse import Warehouse

ASSET_MODULES = (
    ingest,
    prepare,
    split,
    baselines,
    train,
    tuning,
    rank,
    seeds,
    evaluate,
    report,
    leaderboard,
    serve,
)
LEADERBOARD = dg.AssetSelection.assets("leaderboard")
SEARCHES = dg.AssetSelection.assets(SEARCH)
# the UI shows Markdown here, and people begin here
ABOUT = resources.files("ncf_assets").joinpath("about.md").read_text(encoding="utf-8")
# a job cannot have the name of an asset, so `train` and `leaderboard` are taken
JOBS = {
    "everything": (dg.AssetSelection.all(), ABOUT),
    "prepare_data": (
        dg.AssetSelection.groups("ingest", "prepare", "split"),
        "From the source file to the lists that models are judged by.",
    ),
    "train_models": (dg.AssetSelection.groups("train"), "All models, on what is prepared."),
    "evaluate_models": (
        dg.AssetSelection.groups("evaluate", "serve"),
        "Ranks, metrics, report and recommendations of the models that are there.",
    ),
}


def build_defs(
    warehouse: Warehouse | None = None, executor: dg.ExecutorDefinition | None = None
) -> dg.Definitions:
    """Wire the code location for a warehouse, by default the one of the environment variables.

    Another executor, such as one of Dagster's for a cluster, takes the place of `dataset_executor`:
    it does not hold a dataset's lock between two steps of a run. The registry and the environment
    are read here, not when a module is imported. ValueError for a variable or a registry that
    breaks a rule, and for a history of another data folder.
    """
    if warehouse is None:
        check_checkout()
        check_history()
        warehouse = Warehouse.from_env()
    registry = read(warehouse.paths.registry)
    partitions = dataset_partitions(registry.datasets.values())
    left_out = "".join(f"\n\n**Left out:** {fault}" for fault in registry.faults)
    return dg.Definitions(
        assets=[source_file(partitions), *build_assets(ASSET_MODULES, partitions)],
        asset_checks=[source_file_found(partitions, warehouse.paths)],
        jobs=[
            *(
                dg.define_asset_job(
                    name,
                    selection - LEADERBOARD - SEARCHES,
                    description=f"{description}{left_out}",
                )
                for name, (selection, description) in JOBS.items()
            ),
            dg.define_asset_job(
                "tune", SEARCHES, description="A search for models' settings, on what is trained."
            ),
            dg.define_asset_job(
                "refresh_leaderboard",
                LEADERBOARD,
                description="All datasets that have a report.",
            ),
        ],
        sensors=[dead_runs, new_source_files(partitions)],
        resources={
            "engine": EngineResource.from_env(),
            "warehouse": warehouse_resource(warehouse),
        },
        executor=executor or dataset_executor(warehouse),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return what Dagster's processes load."""
    return build_defs()
