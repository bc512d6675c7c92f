"""`ncf-assets export`: one self-contained DuckDB file with real tables."""

from pathlib import Path

import click

from ncf_assets.cli.arguments import check_known, warehouse
from ncf_assets.warehouse.views import views


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option(
    "--tables",
    metavar="A,B,C",
    help="Only these tables and what they read, with the macros that need no others.",
)
def export(file: Path, force: bool, tables: str | None) -> None:
    """Write all tables into FILE, a DuckDB database to hand on.

    Unlike data/warehouse.duckdb, which only shows the Parquet files, FILE needs nothing else.

    \b
    ncf-assets export handout.duckdb
    ncf-assets export small.duckdb --tables metrics,recommendations,popular_items,item_details
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} exists. Give another name, or --force to replace it.")
    if file.resolve() == warehouse().paths.database:
        raise click.ClickException(f"{file} is the warehouse's own catalogue. Give another name.")
    place = warehouse()
    only = None
    if tables is not None:
        only = [name.strip() for name in tables.split(",")]
        check_known("table", only, [view.name for view in views(place.published)], place.name)
    exported = place.export(file.resolve(), only)
    if not exported:
        raise click.ClickException(
            f"nothing is materialized in {place.name}. Run `ncf-assets materialize DATASET`."
        )
    for table, rows in exported.items():
        click.echo(f"{table:<20}{rows:>14,} rows")
    click.echo(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")
