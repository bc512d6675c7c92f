"""`ncf-assets sql`: a DuckDB shell on the warehouse, or one query."""

import contextlib
import csv
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import duckdb

from ncf_assets.cli.arguments import warehouse
from ncf_assets.cli.own_catalogue import own_catalogue
from ncf_assets.sql_text import literal
from ncf_assets.warehouse.duckdb_connection import duckdb_config
from ncf_assets.warehouse.duckdb_limits import memory_limit, shell_spill
from ncf_assets.warehouse.files import locked_temp_dir

UNLIMITED = 100_000  # characters, where nobody watches
PREVIEW_ROWS = 100


@click.command()
@click.argument("query", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values with a header.")
def sql(query: str | None, as_csv: bool) -> None:
    """Run QUERY on all tables; without one, open a DuckDB shell.

    Both work on a catalogue of their own, so they neither wait for runs and other shells nor hold
    them up; the tables' data are not copied. DuckDB takes NCF_DUCKDB_MEMORY_GB at most.

    \b
    ncf-assets sql "select dataset, count(*) from users group by all"
    ncf-assets sql --csv "select * from metrics" > metrics.csv
    """
    place = warehouse()
    with own_catalogue(place) as database, _spill(place.root, database.parent) as spill:
        if query is None:
            raise SystemExit(_shell(database, spill))
        config = duckdb_config(memory_limit(), spill)
        with duckdb.connect(str(database), read_only=True, config=config) as connection:
            try:
                _print(connection, query, as_csv)
            except duckdb.Error as error:
                raise click.ClickException(str(error)) from error


@contextlib.contextmanager
def _spill(root: Path, own: Path) -> Iterator[Path]:
    """Yield the folder to spill to; it is in `own` if the data folder may only be read."""
    with contextlib.ExitStack() as stack:
        try:
            spill = stack.enter_context(locked_temp_dir(shell_spill(root)))
        except OSError:
            spill = own / "spill"
        yield spill


def _shell(database: Path, spill: Path) -> int:
    """Run the duckdb shell that is installed with this Python, else the one on the path."""
    installed = Path(sys.executable).with_name("duckdb")
    shell = str(installed) if installed.exists() else shutil.which("duckdb")
    if shell is None:
        raise click.ClickException(
            "there is no duckdb shell. Run `pip install 'ncf-assets[shell]'`."
        )
    # older shells take no percentage
    with duckdb.connect(config=duckdb_config(memory_limit(), spill)) as connection:
        taken = connection.sql("select current_setting('memory_limit')").fetchall()[0][0]
    limits = f"set memory_limit = {literal(taken)}; set temp_directory = {literal(spill)}"
    return subprocess.run([shell, "-cmd", limits, str(database)], check=False).returncode  # noqa: S603


def _print(connection: duckdb.DuckDBPyConnection, query: str, as_csv: bool) -> None:
    """Print the result of a query, of the last one if there are several."""
    *before, last = connection.extract_statements(query)
    for statement in before:
        connection.execute(statement)
    result = connection.sql(last.query)  # bound, not run
    if result is None:  # a statement without rows
        return
    if not as_csv:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
        result.show(max_width=width, max_rows=PREVIEW_ROWS)
    elif last.type == duckdb.StatementType.SELECT:
        _stream_csv(connection, last.query.strip().rstrip(";"))
    else:  # such as a pragma: a few rows, which cannot be copied
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(result.fetchall())


def _stream_csv(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """Let DuckDB write the rows of a select as it finds them, through a pipe.

    Standard output itself may be a file to append to, which DuckDB would begin anew.
    """
    out, into = os.pipe()
    errors: list[OSError] = []

    def pass_on() -> None:
        with os.fdopen(out, "rb") as rows:  # closed early, DuckDB's next write fails
            try:
                shutil.copyfileobj(rows, sys.stdout.buffer)
            except OSError as error:
                errors.append(error)

    sys.stdout.flush()
    thread = threading.Thread(target=pass_on)
    thread.start()
    try:
        connection.execute(
            f"copy ({select}\n) to '/dev/fd/{into}' (format csv, header, use_tmp_file false)"
        )
    except duckdb.Error:
        if not errors:
            raise
    finally:
        os.close(into)
        thread.join()
    if errors:  # such as a full disk, or `| head`
        raise errors[0]
