"""The Dagster code location: assets, jobs and resources, wired together. Wiring only."""

import dagster as dg

from ncf_assets.assets import (
    baselines,
    evaluate,
    ingest,
    leaderboard,
    prepare,
    rank,
    report,
    serve,
    split,
    train,
)
from ncf_assets.assets.engine import EngineResource
from ncf_assets.runs import claiming, dead_runs
from ncf_assets.warehouse import Warehouse

assets = dg.load_assets_from_modules(
    [ingest, prepare, split, baselines, train, rank, evaluate, report, leaderboard, serve]
)
of_all_datasets = dg.AssetSelection.assets("leaderboard")

defs = dg.Definitions(
    assets=assets,
    jobs=[
        dg.define_asset_job(
            "everything",
            dg.AssetSelection.all() - of_all_datasets,
            description="From the source file to the report.",
        ),
        dg.define_asset_job(
            "refresh_leaderboard",  # a job cannot have the name of an asset
            of_all_datasets,
            description="All datasets that have a report.",
        ),
    ],
    sensors=[dead_runs],
    resources={
        "engine": EngineResource.of_environment(),
        "warehouse": claiming(Warehouse.of_environment()),
    },
    executor=dg.in_process_executor,
)
