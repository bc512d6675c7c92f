"""Read the asset graph for the pages: names, groups, and which asset reads which.

This module also writes rows of Markdown tables; the pages themselves are in the other modules.
"""

from dataclasses import dataclass
from functools import cache

from ncf_assets.definitions import build_defs
from ncf_assets.orchestration.upstream import reads_of
from ncf_assets.tables import tables


@dataclass(frozen=True)
class Node:
    """One asset of the graph."""

    name: str
    group: str
    kinds: tuple[str, ...]
    description: str
    reads: tuple[str, ...]


@cache
def nodes() -> dict[str, Node]:
    """Return all assets that are made by name, upstream first."""
    graph = build_defs().resolve_asset_graph()
    found = [
        (key.to_user_string(), graph.get(key))
        for key in graph.toposorted_asset_keys
        if graph.get(key).is_materializable
    ]
    return {
        name: Node(
            name,
            asset.group_name,
            tuple(sorted(asset.kinds)),
            asset.description or "",
            reads_of(asset.metadata),
        )
        for name, asset in found
    }


def readers(name: str) -> list[str]:
    """Return the names of the assets that read an asset."""
    return [node.name for node in nodes().values() if name in node.reads]


def link(name: str) -> str:
    """Return a link from another page to the description of an asset."""
    page = "tables.md" if name in tables() else "lineage.md"
    return f"[{name}]({page}#{name})"


def row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    texts = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(texts)} |\n"


def heading(*names: str) -> str:
    """Return the first two lines of a Markdown table."""
    return row(*names) + row(*["---"] * len(names))
