"""A catalogue of one command's own: it neither waits for runs and shells nor holds them up."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ncf_assets.warehouse import catalogue
from ncf_assets.warehouse.warehouse import Warehouse


@contextmanager
def own_catalogue(place: Warehouse) -> Iterator[Path]:
    """Build a database of all views and macros in a temporary folder, and yield its path.

    Raise ClickException where there is no table.
    """
    with tempfile.TemporaryDirectory(prefix="ncf-assets-") as folder:
        database = Path(folder) / place.paths.database.name
        if not catalogue.build_private(database, place.published):
            raise click.ClickException(
                f"there is no warehouse yet: no table in {place.name}. Run"
                " `ncf-assets materialize DATASET`."
            )
        yield database
