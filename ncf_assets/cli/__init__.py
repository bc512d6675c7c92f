"""The command `ncf-assets`: one file a command, each thin over Dagster's and DuckDB's own API.

A command's file is imported when the command is run: `--help` and `sql` do not wait for Dagster.
"""

import importlib
import sys
from typing import Any

import click

from ncf_assets.cli.wrapping import wrap_for

# name: what it does, in one line; its file has the name with _ in place of -
COMMANDS = {
    "materialize": "Materialize the assets of one dataset, without a daemon.",
    "backfill": "Materialize several datasets as a Dagster backfill.",
    "datasets": "List the datasets, and where each stands.",
    "status": "Show what is materialized, and what is out of date.",
    "show": "Show the tables and models of one dataset, and where they are.",
    "recommend": "Show what to recommend to one person, and why.",
    "diff": "Compare tables, metrics and recommendations with the version before.",
    "evaluate": "Rank by a file of scores, as one more model of the report.",
    "leaderboard": "Show all models on all datasets, brought up to date first.",
    "tune": "Search for models' settings on one dataset, by validation alone.",
    "doctor": "Find what a crash has left, and say what fixes it.",
    "sql": "Run a query on all tables, or open a DuckDB shell.",
    "export": "Write all tables into one DuckDB file to hand on.",
    "add": "Propose a registry's block for a file, and write it after a yes.",
    "init": "Make a folder for datasets of your own.",
    "prune-runs": "Remove old runs from Dagster's history.",
    "ui": "Serve Dagster's UI, and run its daemon, until ctrl-c.",
    "dagster-home": "Prepare DAGSTER_HOME and print it, for Dagster's own commands.",
    "train-worker": "Lend this machine to the trainings of another process.",
}


class ErrorHandlingGroup(click.Group):
    """A group that imports commands when they are run, and explains what the system refuses."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands, those that people begin with first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None for a name that there is not."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a full disk or a missing permission is no traceback."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            told = wrap_for(sys.stderr, error.message, len("Error: "))
            error.message = told  # type: ignore[misc]  # click prints it after this
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from ncf_assets.cli.errors import explanation

            if (text := explanation(error)) is None:
                raise
            raise click.ClickException(text) from error


@click.group(
    cls=ErrorHandlingGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="ncf-assets")
def main() -> None:
    """Turn Amazon reviews into an audited neural recommender.

    Data are in the folder that NCF_DATA_DIR names, else in data/ of the current folder if it has a
    datasets.toml, else of the checkout, else in ~/.local/share/ncf-assets. It may be in an object
    store, such as s3://bucket/folder. Dagster's history is in DAGSTER_HOME, else in dagster/ within
    the data folder. Variables may also be in the file .env of the current folder.
    """
    from ncf_assets.cli.arguments import check_environment, load_env_file

    load_env_file()
    check_environment()
