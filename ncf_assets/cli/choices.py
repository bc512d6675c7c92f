"""Dataset and asset names from the command line, checked, with the nearest name in the error."""

import difflib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import click

from ncf_assets.datasets import Dataset, RegistryError, load
from ncf_assets.freshness import Asset
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.claims import follow
from ncf_assets.warehouse.store import Store

EVERYTHING = "everything"  # the job of all that a dataset's report takes


def asset_names() -> list[str]:
    """The assets that a dataset's report takes, in alphabetical order; a search is none of them."""
    # imported here: a broken registry must be told as such, not as a failing import
    from ncf_assets.definitions import defs

    made = defs.resolve_job_def(EVERYTHING).asset_layer.executable_asset_keys
    return sorted(key.to_user_string() for key in made)


def graph_assets() -> list[Asset]:
    """All assets of a dataset, in the order of the data's way."""
    from ncf_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.toposorted_asset_keys]
    return [
        Asset(
            node.key.to_user_string(),
            node.code_version,
            tuple(sorted(key.to_user_string() for key in node.parent_keys)),
        )
        for node in nodes
        if node.partitions_def
    ]


def warehouse() -> Warehouse:
    """The warehouse that the environment variables name, as the store has it if there is one."""
    place = Warehouse.of_environment()
    if place.store:
        _catch_up(place.root, place.store.url)
    return place


@cache
def _catch_up(root: Path, url: str) -> None:
    """Follow the store, once in this process."""

    def tell(objects: int, size: int) -> None:
        click.echo(f"fetching {objects:,} files of {url}, {size / 1e6:,.1f} MB", err=True)

    follow(Warehouse(root, store=Store(url)), tell)


def registry() -> dict[str, Dataset]:
    """The datasets by name."""
    try:
        return load(warehouse().registry)
    except RegistryError as error:
        raise click.ClickException(str(error)) from error


def check_known(kind: str, names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise a usage error for a name that does not exist."""
    known = list(known)
    for name in names:
        if name not in known:
            raise click.UsageError(f"no {kind} {name!r} in {where}; {near(name, known)}")


def near(name: str, known: Sequence[str]) -> str:
    """A hint at the name that was meant, or at all that there are."""
    nearest = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {nearest[0]}?" if nearest else f"there are: {', '.join(known)}"


def check_datasets(names: Iterable[str]) -> None:
    """Raise a usage error for a dataset that the registry lacks."""
    check_known("dataset", names, registry(), str(warehouse().registry))
