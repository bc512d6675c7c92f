"""Where Dagster keeps its history for this data folder, and `ncf-assets home` that prints it."""

import os
from pathlib import Path

import click
import dagster as dg
from filelock import FileLock

import ncf_assets
from ncf_assets.warehouse import Warehouse, data_dir

SETTINGS = Path(ncf_assets.__file__).with_name("dagster.yaml")
READY = ".databases-made"


def prepare_home() -> Path:
    """Make sure that DAGSTER_HOME is set and exists, and that it has the project's settings."""
    folder = Path(os.environ.setdefault("DAGSTER_HOME", str(data_dir() / "dagster")))
    if not folder.is_absolute():
        raise click.ClickException(
            f"DAGSTER_HOME must be an absolute path, found {str(folder)!r};"
            " unset it to use dagster/ within the data folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    Warehouse(data_dir()).raw.mkdir(parents=True, exist_ok=True)  # where people put their files
    _initialise(folder)
    return folder


def _initialise(folder: Path) -> None:
    """Let one process make Dagster's databases: two that start at once would collide."""
    with FileLock(folder / ".lock"):
        settings = folder / "dagster.yaml"
        if not settings.exists():
            settings.unlink(missing_ok=True)  # a link whose project has moved
            settings.symlink_to(SETTINGS)
        if not (folder / READY).exists():
            with dg.DagsterInstance.get() as instance:
                instance.get_runs(limit=1)
                instance.get_daemon_heartbeats()
            (folder / READY).touch()


@click.command()
def home() -> None:
    """Prepare DAGSTER_HOME and print it, for Dagster's commands.

    \b
    export DAGSTER_HOME=$(ncf-assets home)
    """
    click.echo(prepare_home())
