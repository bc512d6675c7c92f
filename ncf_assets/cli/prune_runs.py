"""`ncf-assets prune-runs`: remove old runs from Dagster's history, which nothing else prunes."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import dagster as dg
from dagster import AssetRecordsFilter, DagsterRunStatus, RunsFilter

from ncf_assets.cli.dagster_home import prepare_home
from ncf_assets.orchestration.dagster_runs import remove_runs

ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


@click.command("prune-runs")
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Days since a run ended.",
)
def prune_runs(days: int) -> None:
    """Remove runs that ended long ago from Dagster's history.

    Their events and logs go with them. Runs that have not ended stay, and so do those that made
    what is in place: the last materialization of each asset and dataset. Tables, models and reports
    are not touched.
    """
    home = prepare_home()
    before = datetime.now(UTC) - timedelta(days=days)
    with dg.DagsterInstance.get() as instance:
        ended = instance.get_run_records(RunsFilter(statuses=ENDED, updated_before=before))
        old = {record.dagster_run.run_id for record in ended} - _in_place(instance)
        remove_runs(instance, sorted(old))
    for run_id in old:
        _remove_files(home, run_id)
    click.echo(f"{len(old)} of {len(ended)} runs that ended over {days} days ago are removed.")


def _in_place(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that made each asset's present partitions, as Dagster knows them."""
    runs = set()
    for asset in instance.get_asset_keys():
        # the leaderboard's has no partition
        if event := instance.get_latest_materialization_event(asset):
            runs.add(event.run_id)
        for partition in instance.get_materialized_partitions(asset):
            last = AssetRecordsFilter(asset, asset_partitions=[partition])
            for record in instance.fetch_materializations(last, limit=1).records:
                runs.add(record.run_id)
    return runs


def _remove_files(home: Path, run_id: str) -> None:
    """Remove what Dagster leaves of a deleted run: the file of its events, and its logs."""
    for file in (home / "history" / "runs").glob(f"{run_id}.db*"):
        file.unlink(missing_ok=True)
    shutil.rmtree(home / "storage" / run_id, ignore_errors=True)
