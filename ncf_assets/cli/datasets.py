"""`ncf-assets datasets`: which datasets there are, how large, and where each stands."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from ncf_assets.cli.arguments import data_folder_line, registry
from ncf_assets.cli.status import dataset_statuses
from ncf_assets.datasets import Dataset
from ncf_assets.ingest.download import locate
from ncf_assets.ingest.source import files_of
from ncf_assets.orchestration.staleness import verdict
from ncf_assets.warehouse.paths import Paths, data_dir


@click.command()
def datasets() -> None:
    """List the datasets of the registry: their reviews, files, and where each stands.

    The reviews are as many as the publisher states. A file that is not there is downloaded by the
    first run, unless the registry names a path.
    """
    click.echo(data_folder_line())
    known = registry()
    shown = Table(
        Column("dataset", no_wrap=True), Column("reviews", justify="right"), "file", "state"
    )
    for name, found in dataset_statuses(tuple(known)).items():
        reviews = known[name].expected_reviews
        shown.add_row(name, f"{reviews:,}" if reviews else "", _file(known[name]), verdict(found))
    Console().print(shown)


def _file(dataset: Dataset) -> str:
    """Return the size of a dataset's files, or what is to be done for them."""
    place = Paths(data_dir())
    source = locate(dataset, place.registry.parent, place.raw)
    files: list[Path] = files_of(source) if source else []
    if files:
        return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB"
    return "missing" if dataset.path else "to download"
