"""`ncf-assets dagster-home`: where Dagster keeps its history for this data folder."""

import os
import tempfile
from pathlib import Path

import click
from filelock import FileLock

import ncf_assets
from ncf_assets.warehouse.history_note import history_folder, tie_history
from ncf_assets.warehouse.paths import Paths, data_dir, workspace_file

SETTINGS = Path(ncf_assets.__file__).with_name("dagster.yaml")
READY = ".databases-made"
LONGEST_TMPDIR = 95  # bytes: Linux takes 107 for a socket's path, and Dagster adds a name of 12


def history_is_made() -> bool:
    """Return whether Dagster has a history of the data folder already."""
    return (history_folder() / READY).exists()


def prepare_home() -> Path:
    """Make sure that DAGSTER_HOME is set and exists, and that it has the project's settings."""
    folder = Path(os.environ.setdefault("DAGSTER_HOME", str(history_folder())))
    if not folder.is_absolute():
        raise click.ClickException(
            f"DAGSTER_HOME must be an absolute path, found {str(folder)!r}."
            " Unset it to use dagster/ within the data folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    tie_history()
    Paths(data_dir()).raw.mkdir(parents=True, exist_ok=True)  # where people put their files
    _initialize(folder)
    return folder


def _initialize(folder: Path) -> None:
    """Let one process make Dagster's databases: two that start at once would collide."""
    with FileLock(folder / ".lock"):
        settings = folder / "dagster.yaml"
        if not settings.exists():
            settings.unlink(missing_ok=True)  # a link whose project has moved
            settings.symlink_to(SETTINGS)
        if not (folder / READY).exists():
            import dagster as dg  # which takes seconds that `make ui` need not wait

            with dg.DagsterInstance.get() as instance:
                instance.get_runs(limit=1)
                instance.get_daemon_heartbeats()
            (folder / READY).touch()


def check_sockets() -> None:
    """Raise ClickException if Dagster's processes could not talk to each other."""
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) > LONGEST_TMPDIR:
        raise click.ClickException(
            f"the folder for temporary files, {folder}, has a path of more than {LONGEST_TMPDIR}"
            " bytes, too long for the sockets of Dagster's processes. Name a shorter one with"
            " TMPDIR."
        )


def workspace_options() -> list[str]:
    """Return the options of Dagster's own commands that name the code location."""
    return ["-w", str(workspace_file())]


@click.command("dagster-home")
def dagster_home() -> None:
    """Prepare DAGSTER_HOME and print it, for Dagster's commands.

    \b
    export DAGSTER_HOME=$(ncf-assets dagster-home)
    """
    check_sockets()
    click.echo(prepare_home())
