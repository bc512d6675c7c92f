"""The command `ncf-assets`: one file a command, each thin over Dagster's and DuckDB's own API."""

from typing import Any

import click
import duckdb
import sqlalchemy.exc

from ncf_assets.cli.backfill import backfill
from ncf_assets.cli.clean_runs import clean_runs
from ncf_assets.cli.doctor import doctor
from ncf_assets.cli.export import export
from ncf_assets.cli.home import home
from ncf_assets.cli.leaderboard import leaderboard
from ncf_assets.cli.materialize import materialize
from ncf_assets.cli.sql import sql
from ncf_assets.cli.status import status
from ncf_assets.cli.summary import summary
from ncf_assets.cli.tune import tune
from ncf_assets.cli.worker import worker
from ncf_assets.warehouse import Warehouse, data_dir
from ncf_assets.warehouse.store import StoreError
from ncf_assets.warehouse.trouble import trouble


class Explaining(click.Group):
    """A group whose commands say in words what a machine refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a full disk or a missing permission is no traceback."""
        try:
            return super().invoke(ctx)
        except StoreError as error:
            raise click.ClickException(str(error)) from error
        except (OSError, MemoryError, duckdb.Error, sqlalchemy.exc.OperationalError) as error:
            found = trouble(error, data_dir())
            if found is None:
                raise
            raise click.ClickException(found.text) from error


@click.group(
    cls=Explaining,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="ncf-assets")
def main() -> None:
    """Amazon reviews to an audited neural recommender.

    Data lie in the folder that NCF_DATA_DIR names (else data/ of the project), or in the object
    store NCF_STORE, which that folder then follows; Dagster's history in DAGSTER_HOME (else
    dagster/ within that folder).
    """
    try:
        Warehouse.of_environment()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


COMMANDS = (
    materialize,
    backfill,
    status,
    summary,
    leaderboard,
    tune,
    doctor,
    sql,
    export,
    clean_runs,
    home,
    worker,
)
for command in COMMANDS:
    main.add_command(command)
