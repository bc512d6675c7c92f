"""`ncf-assets show`: what a materialized dataset holds, and how good its model is."""

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from ncf_assets.cli.arguments import check_datasets, warehouse
from ncf_assets.orchestration.metrics_table import metrics_table
from ncf_assets.tables import tables
from ncf_assets.warehouse.paths import ui_command
from ncf_assets.warehouse.warehouse import NotMaterializedError, Warehouse


@click.command()
@click.argument("dataset")
def show(dataset: str) -> None:
    """Show the tables and models of DATASET, and where they are.

    Tables with their rows, models with their metrics, and the places of report and database.
    """
    check_datasets([dataset])
    place = warehouse()
    try:
        metrics = place.read("metrics", dataset).query("segment == 'all'")
        compared = compared_models(metrics)
        page = place.page(dataset)
        report = place.beside("evaluation_report", dataset, page.name)
    except NotMaterializedError as error:
        raise click.ClickException(
            f"{dataset} is not materialized to the end. Run `ncf-assets materialize {dataset}`, and"
            " see `ncf-assets status` for what there is."
        ) from error
    console = Console()
    console.print(_row_counts(place, dataset), compared)
    click.echo(f"report    {report}")
    database = place.paths.database
    also = f", or: duckdb {database}" if place.published.is_local else ""
    click.echo(f"database  {database if also else place.name}  (ncf-assets sql{also})")
    click.echo(f"Dagster   {ui_command()}, then open http://127.0.0.1:3000")


def _row_counts(place: Warehouse, dataset: str) -> Table:
    shown = Table("table", "rows", title=dataset, title_justify="left")
    for name, table in tables().items():
        if table.is_global:
            continue
        if provenance := place.find_provenance(name, dataset):
            shown.add_row(name, f"{provenance.rows:,}")
    return shown


def compared_models(rows: pd.DataFrame, title: str | None = None) -> Table:
    """Return one dataset's models side by side, the best first, by metrics of all users."""
    wide = metrics_table(rows)
    shown = Table(*map(str, wide.columns), title=title, title_justify="left")
    for model, *values in wide.to_numpy().tolist():
        shown.add_row(model, *(f"{value:.3f}" for value in values))
    return shown
