"""`ncf-assets status`: what is materialized, when, how many rows, and whether it is out of date."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ncf_assets.best_trial import SEARCH
from ncf_assets.cli.choices import check_datasets, graph_assets, registry, warehouse
from ncf_assets.freshness import State, states
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
    assets = graph_assets()
    shown = 0
    for name in datasets or registry():
        found = states(warehouse(), registry()[name], assets)
        found = [s for s in found if s.stamp or s.reasons or s.asset != SEARCH]  # made by few
        if datasets or any(state.stamp for state in found):
            Console().print(_table(name, found))
            shown += 1
    if not shown:
        click.echo(f"nothing is materialized in {warehouse().name}; try `make demo`")


def _table(dataset: str, found: list[State]) -> Table:
    shown = Table("asset", "made (UTC)", "rows", "state", title=dataset, title_justify="left")
    for state in found:
        made = state.stamp.written_at[:19].replace("T", " ") if state.stamp else ""
        rows = f"{state.stamp.rows:,}" if state.stamp and state.asset in tables() else ""
        style = "" if state.current else "yellow"
        shown.add_row(state.asset, made, rows, escape(str(state)), style=style)
    return shown
