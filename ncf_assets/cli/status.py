"""`ncf-assets status`: what is materialized, when, how many rows, and whether it is out of date."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import click
import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from ncf_assets.cli.arguments import check_datasets, data_folder_line, registry, warehouse
from ncf_assets.cli.asset_graph import graph_assets
from ncf_assets.cli.dagster_home import history_is_made
from ncf_assets.orchestration.dagster_runs import last_runs, open_backfills
from ncf_assets.orchestration.staleness import (
    PartitionStatus,
    is_out_of_date,
    partition_statuses,
    verdict,
)
from ncf_assets.tables import tables
from ncf_assets.warehouse.history_note import history_folder
from ncf_assets.warehouse.paths import data_dir, data_url

OUT_OF_DATE = 3  # the exit code; 1 stands for an error, and 2 for a mistaken command
NOTHING = "nothing is materialized there. Run `ncf-assets materialize Sample`."


@click.command()
@click.argument("datasets", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON, for programs.")
def status(datasets: tuple[str, ...], as_json: bool) -> None:
    """Show what there is of DATASETS, and what is out of date.

    One line for each dataset that has anything, and the assets that are not up to date; of DATASETS
    all assets. An asset is out of date if its source file, its code or anything upstream has
    changed since it was made; Dagster's UI does not show this for partitioned assets. Backfills
    under way are named, and datasets whose last run failed. The exit code is 3 if something is out
    of date.
    """
    check_datasets(datasets)
    found = dataset_statuses(datasets or tuple(registry()))
    shown = {
        name: of
        for name, of in found.items()
        if datasets or any(s.provenance or s.reasons for s in of)
    }
    if as_json:
        click.echo(
            json.dumps({"data_folder": data_url() or str(data_dir()), "datasets": _as_json(shown)})
        )
    else:
        click.echo(data_folder_line())
        for name, of in shown.items():
            click.echo(f"{name}: {verdict(of)}")
            if listed := [state for state in of if datasets or not state.current]:
                Console().print(_table(listed))
        if not shown:
            click.echo(NOTHING)
        for line in _history(found.keys()):
            click.secho(line, fg="yellow")
    if any(is_out_of_date(of) for of in shown.values()):
        raise SystemExit(OUT_OF_DATE)


def dataset_statuses(names: Sequence[str]) -> dict[str, list[PartitionStatus]]:
    """Return the status of each asset of these datasets, upstream first."""
    assets, place, datasets = graph_assets(), warehouse(), registry()
    return {name: partition_statuses(place, datasets[name], assets) for name in names}


def _history(names: Collection[str]) -> Iterator[str]:
    """Yield which backfills are under way, and the datasets whose last run failed."""
    if not history_is_made():
        return
    folder = history_folder()
    try:
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            backfills, runs = open_backfills(instance), last_runs(instance)
    except (OSError, SQLAlchemyError) as error:
        yield f"{folder}, Dagster's history, cannot be read: {str(error).splitlines()[0]}"
        return
    for backfill in backfills:
        yield f"a backfill is under way: ncf-assets backfill --follow {backfill.backfill_id}"
    for dataset, run in sorted(runs.items()):
        if dataset in names and run.status == dg.DagsterRunStatus.FAILURE:
            yield f"the last run of {dataset} failed: ncf-assets materialize {dataset}"


def _table(found: Sequence[PartitionStatus]) -> Table:
    shown = Table("asset", "made (UTC)", "rows", "state")
    for state in found:
        one = _row(state)
        rows = "" if one["rows"] is None else f"{one['rows']:,}"
        made = (one["made"] or "").replace("T", " ")
        style = "" if state.current else "yellow"
        shown.add_row(state.asset, made, rows, escape(one["state"]), style=style)
    return shown


def _as_json(found: Mapping[str, Sequence[PartitionStatus]]) -> dict[str, Any]:
    return {
        name: {
            "verdict": verdict(of),
            "out_of_date": is_out_of_date(of),
            "assets": [_row(state) for state in of],
        }
        for name, of in found.items()
    }


def _row(state: PartitionStatus) -> dict[str, Any]:
    """Return what is said of an asset: when it was made in UTC, its rows if it is a table."""
    made = state.provenance
    return {
        "asset": state.asset,
        "made": made.written_at[:19] if made else None,
        "rows": made.rows if made and state.asset in tables() else None,
        "state": str(state),
        "current": state.current,
    }
