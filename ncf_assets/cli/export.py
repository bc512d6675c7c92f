"""`ncf-assets export`: one self-contained DuckDB file with real tables."""

from pathlib import Path

import click

from ncf_assets.cli.arguments import warehouse


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def export(file: Path, force: bool) -> None:
    """Write all tables into FILE, a DuckDB database to hand on.

    Unlike data/warehouse.duckdb, which only shows the Parquet files, FILE needs nothing else.
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} exists. Give another name, or --force to replace it.")
    if file.resolve() == warehouse().paths.database:
        raise click.ClickException(f"{file} is the warehouse's own catalogue. Give another name.")
    exported = warehouse().export(file.resolve())
    if not exported:
        raise click.ClickException(f"nothing is materialized in {warehouse().name}")
    for table, rows in exported.items():
        click.echo(f"{table:<20}{rows:>14,} rows")
    click.echo(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")
