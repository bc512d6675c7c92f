"""`ncf-assets sql`: a DuckDB shell on the warehouse, or a query."""

import contextlib
import csv
import json
import os
import re
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
FORMS = {"csv": "format csv, header", "json": "format json, array"}  # in DuckDB's words
MISSING = re.compile(r"Catalog Error: Table with name (\w+) does not exist")
GREETING = """\
All tables of {folder}, to be read. Begin with one of:
    show tables;
    from catalogue;
    from recommend('Sample', 'a user_id');
    from similar_items('Sample', 'an item_id');"""


@click.command()
@click.argument("query", required=False)
@click.option("--csv", "form", flag_value="csv", help="Print comma-separated values with a header.")
@click.option("--json", "form", flag_value="json", help="Print a list of objects for each result.")
def sql(query: str | None, form: str | None) -> None:
    """Run QUERY on all tables; without one, open a DuckDB shell.

    QUERY may be several statements, of which each prints its result.

    Both work on a catalogue of their own, so they neither wait for runs and other shells nor hold
    them up; the tables' data are not copied. DuckDB takes NCF_DUCKDB_MEMORY_GB at most.

    \b
    ncf-assets sql "select dataset, count(*) from users group by all"
    ncf-assets sql --csv "select * from metrics" > metrics.csv
    """
    place = warehouse()
    with own_catalogue(place) as database, _spill(place.root, database.parent) as spill:
        if query is None and not place.published.is_local:
            raise click.ClickException(
                f"the DuckDB shell reads no object store, and the tables are in {place.name}. Give"
                " a QUERY, or run `ncf-assets export FILE` and open FILE with duckdb."
            )
        if query is None:
            if sys.stdin.isatty():
                click.echo(GREETING.format(folder=place.root))
            raise SystemExit(_shell(database, spill))
        config = duckdb_config(memory_limit(), spill)
        with duckdb.connect(str(database), read_only=True, config=config) as connection:
            place.published.register(connection)
            try:
                _print(connection, query, form)
            except duckdb.Error as error:
                raise click.ClickException(_remedy(error) or str(error)) from error


def _remedy(error: duckdb.Error) -> str | None:
    """Return what to say of a table that no dataset has yet; None for any other error."""
    from ncf_assets.tables import tables

    missing = MISSING.match(str(error))
    table = tables().get(missing[1]) if missing else None
    if table is None:
        return None
    command = table.name if table.is_global else "materialize DATASET"
    return f"{table.name} is not materialized for any dataset. Run `ncf-assets {command}`."


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


def _print(connection: duckdb.DuckDBPyConnection, query: str, form: str | None) -> None:
    """Print the result of each statement that has one, as a table or in a form of FORMS."""
    printed = False
    for statement in connection.extract_statements(query):
        text = statement.query.strip().rstrip(";")
        if statement.expected_result_type == [duckdb.ExpectedResultType.NOTHING]:  # such as a `set`
            connection.execute(text)
            continue
        result = connection.sql(text)  # bound, not run
        if result is None:  # a statement without rows
            continue
        if printed and form != "json":  # whose lists need nothing between them
            click.echo()
        printed = True
        if form is None:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
            result.show(max_width=width, max_rows=PREVIEW_ROWS)
        elif statement.type == duckdb.StatementType.SELECT:
            _stream(connection, text, form)
        else:  # such as a pragma: a few rows, which cannot be copied
            _write(result, form)


def _write(result: duckdb.DuckDBPyRelation, form: str) -> None:
    """Write a few rows in a form of FORMS."""
    if form == "json":
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
        click.echo(json.dumps(rows, default=str))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.fetchall())


def _stream(connection: duckdb.DuckDBPyConnection, select: str, form: str) -> None:
    """Let DuckDB write the rows of a select in a form of FORMS as it finds them, through a pipe.

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
        how = f"{FORMS[form]}, use_tmp_file false"
        connection.execute(f"copy ({select}\n) to '/dev/fd/{into}' ({how})")
    except duckdb.Error:
        if not errors:
            raise
    finally:
        os.close(into)
        thread.join()
    if errors:  # such as a full disk, or `| head`
        raise errors[0]
    sys.stdout.buffer.flush()
