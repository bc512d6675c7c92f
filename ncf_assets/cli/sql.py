"""`ncf-assets sql`: a DuckDB shell on the warehouse, or one query."""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import duckdb

from ncf_assets.cli.arguments import warehouse

UNLIMITED = 100_000  # characters, where nobody watches
PREVIEW_ROWS = 100


@click.command()
@click.argument("query", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values with a header.")
def sql(query: str | None, as_csv: bool) -> None:
    """Run QUERY on all tables; without one, open a DuckDB shell.

    Both work on a copy of the catalogue of their own, so they neither wait for runs and other
    shells nor hold them up; the tables' data are not copied.

    \b
    ncf-assets sql "select dataset, count(*) from users group by all"
    ncf-assets sql --csv "select * from metrics" > metrics.csv
    """
    database = warehouse().paths.database
    if not database.exists():
        raise click.ClickException(
            f"there is no warehouse yet: no {database}. Run `make demo` or `ncf-assets"
            " materialize DATASET`."
        )
    try:
        warehouse().refresh_catalogue()
    except (OSError, duckdb.IOException) as error:  # such as for somebody who may only read
        click.echo(f"the catalogue is used as it is, it could not be renewed: {error}", err=True)
    with tempfile.TemporaryDirectory(prefix="ncf-assets-") as folder:
        copy = Path(shutil.copy(database, folder))
        if query is None:
            _shell(copy)
        else:
            _query(copy, query, as_csv)


def _shell(database: Path) -> None:
    """Start the duckdb shell that is installed with this Python, else the one on the path."""
    installed = Path(sys.executable).with_name("duckdb")
    shell = str(installed) if installed.exists() else shutil.which("duckdb")
    if shell is None:
        raise click.ClickException(
            "there is no duckdb shell. Run `pip install 'ncf-assets[shell]'`."
        )
    raise SystemExit(subprocess.run([shell, str(database)], check=False).returncode)  # noqa: S603


def _query(database: Path, query: str, as_csv: bool) -> None:
    """Print the result of one query."""
    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            result = connection.sql(query)
            if result is None:  # a statement without rows
                return
            if as_csv:
                writer = csv.writer(sys.stdout, lineterminator="\n")
                writer.writerow(result.columns)
                writer.writerows(result.fetchall())
            else:
                width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
                result.show(max_width=width, max_rows=PREVIEW_ROWS)
        except duckdb.Error as error:
            raise click.ClickException(str(error)) from error
