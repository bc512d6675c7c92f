"""`ncf-assets status`: what is materialized, when, how many rows, and whether it is out of date."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ncf_assets.cli.arguments import check_datasets, data_folder_line, registry, warehouse
from ncf_assets.cli.asset_graph import graph_assets
from ncf_assets.orchestration.staleness import SEARCH, PartitionStatus, partition_statuses
from ncf_assets.tables import tables


@click.command()
@click.argument("datasets", nargs=-1)
def status(datasets: tuple[str, ...]) -> None:
    """Show what there is of DATASETS, and what is out of date.

    Without DATASETS, all that have anything. An asset is out of date if its source file, its code
    or anything upstream has changed since it was made; Dagster's UI does not show this for
    partitioned assets.
    """
    check_datasets(datasets)
    click.echo(data_folder_line())
    assets = graph_assets()
    shown = 0
    for name in datasets or registry():
        found = partition_statuses(warehouse(), registry()[name], assets)
        found = [s for s in found if s.provenance or s.reasons or s.asset != SEARCH]  # made by few
        if datasets or any(state.provenance for state in found):
            Console().print(_table(name, found))
            shown += 1
    if not shown:
        click.echo("nothing is materialized there. Run `ncf-assets materialize Sample`.")


def _table(dataset: str, found: list[PartitionStatus]) -> Table:
    shown = Table("asset", "made (UTC)", "rows", "state", title=dataset, title_justify="left")
    for state in found:
        made = state.provenance.written_at[:19].replace("T", " ") if state.provenance else ""
        rows = f"{state.provenance.rows:,}" if state.provenance and state.asset in tables() else ""
        style = "" if state.current else "yellow"
        shown.add_row(state.asset, made, rows, escape(str(state)), style=style)
    return shown
