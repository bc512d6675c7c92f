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
    serve,
    split,
    train,
    tuning,
)
from ncf_assets.assets.engine import EngineResource
from ncf_assets.runs import claiming, dead_runs
from ncf_assets.source_files import new_source_files
from ncf_assets.warehouse import Warehouse

assets = dg.load_assets_from_modules(
    [ingest, prepare, split, baselines, train, tuning, rank, evaluate, report, leaderboard, serve]
)
ABOUT = resources.files("ncf_assets").joinpath("about.md").read_text(encoding="utf-8")
of_all_datasets = dg.AssetSelection.assets("leaderboard")
searches = dg.AssetSelection.assets("tuning")
# a job cannot have the name of an asset, so `train` and `leaderboard` are taken
JOBS = {
    "everything": (dg.AssetSelection.all(), ABOUT),  # where the UI shows Markdown, and people begin
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

defs = dg.Definitions(
    assets=assets,
    jobs=[
        *(
            dg.define_asset_job(
                name, selection - of_all_datasets - searches, description=description
            )
            for name, (selection, description) in JOBS.items()
        ),
        dg.define_asset_job(
            "tune", searches, description="A search for NeuMF's settings, on what is trained."
        ),
        dg.define_asset_job(
            "refresh_leaderboard", of_all_datasets, description="All datasets that have a report."
        ),
    ],
    sensors=[dead_runs, new_source_files],
    resources={
        "engine": EngineResource.of_environment(),
        "warehouse": claiming(Warehouse.of_environment()),
    },
    executor=dg.in_process_executor,
)
