"""The assets of a dataset, their code versions and what each is made from.

Dagster's graph says so, and takes seconds to build. The answer depends on the package's own files
alone, so it is kept in the data folder for as long as these stay as they are.
"""

import contextlib
import json
from collections.abc import Collection
from dataclasses import asdict

import click

from ncf_assets.cli.arguments import code_fingerprint, definitions, warehouse
from ncf_assets.orchestration.staleness import Asset
from ncf_assets.orchestration.upstream import reads_of
from ncf_assets.warehouse.files import atomic_replace, staged_texts
from ncf_assets.warehouse.paths import data_dir

KEPT = "asset-graph.json"
MANY = 4  # missing inputs: the remedy is the whole dataset then


def graph_assets() -> list[Asset]:
    """Return all assets of a dataset, upstream first."""
    file, fingerprint = data_dir() / KEPT, code_fingerprint()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            return [
                Asset(one["name"], one["code_version"], tuple(one["upstream"]))
                for one in kept["assets"]
            ]
    assets = _from_definitions()
    text = json.dumps({"fingerprint": fingerprint, "assets": [asdict(asset) for asset in assets]})
    with contextlib.suppress(OSError), staged_texts({file: text}) as files:
        atomic_replace(files[file], file)  # a folder that is read-only has none
    return assets


def check_inputs(assets: Collection[str], dataset: str) -> None:
    """Raise ClickException if something is missing that assets read and that is not one of them.

    A run would fail at it, and leave a failed run in Dagster's UI.
    """
    place = warehouse()
    for asset in (one for one in graph_assets() if one.name in assets):
        missing = [
            name
            for name in asset.upstream
            if name not in assets and place.find_provenance(name, dataset) is None
        ]
        if missing:
            verb = "are" if missing[1:] else "is"
            upstream = ",".join(f"+{name}" for name in missing)
            selection = f" --select '{upstream}'" if len(missing) < MANY else ""
            raise click.ClickException(
                f"{asset.name} reads {', '.join(missing)} of {dataset}, which {verb} not"
                f" materialized. Run `ncf-assets materialize {dataset}{selection}`."
            )


def _from_definitions() -> list[Asset]:
    graph = definitions().resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.toposorted_asset_keys]
    return [
        Asset(
            node.key.to_user_string(),
            node.code_version,
            reads_of(node.metadata),
        )
        for node in nodes
        if node.partitions_def and node.is_materializable
    ]
