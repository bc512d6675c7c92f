"""The asset graph as the pages want it: names, groups, what reads what."""

from dataclasses import dataclass
from functools import cache

from ncf_assets.definitions import defs
from ncf_assets.tables import tables


@dataclass(frozen=True)
class Node:
    """One asset."""

    name: str
    group: str
    kinds: tuple[str, ...]
    description: str
    reads: tuple[str, ...]


@cache
def nodes() -> dict[str, Node]:
    """All assets by name, upstream first."""
    graph = defs.resolve_asset_graph()
    found = [(key.to_user_string(), graph.get(key)) for key in graph.toposorted_asset_keys]
    return {
        name: Node(
            name,
            asset.group_name,
            tuple(sorted(asset.kinds)),
            asset.description or "",
            tuple(sorted(key.to_user_string() for key in asset.parent_keys)),
        )
        for name, asset in found
    }


def readers(name: str) -> list[str]:
    """The assets that read an asset."""
    return [node.name for node in nodes().values() if name in node.reads]


def link(name: str) -> str:
    """A link to where an asset is described, from another page."""
    page = "tables.md" if name in tables() else "lineage.md"
    return f"[{name}]({page}#{name})"


def row(*cells: object) -> str:
    """A line of a Markdown table."""
    texts = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(texts)} |\n"


def heading(*names: str) -> str:
    """The first two lines of a Markdown table."""
    return row(*names) + row(*["---"] * len(names))
