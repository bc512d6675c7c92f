"""The page of the asset graph: a drawing in SVG, and what reads what."""

from itertools import count

from documentation.graph import Node, heading, link, nodes, row
from ncf_assets.tables import tables

HEAD = """# Lineage

Every step is a Dagster asset. The drawing leaves out an arrow where others lead the same way; the
table below has all. A click leads to what an asset is.

"""
# by group, in the order of the way of the data: light enough for black text
COLOURS = {
    "ingest": "#cfe2f3",
    "prepare": "#d9ead3",
    "split": "#fff2cc",
    "train": "#fce5cd",
    "evaluate": "#ead1dc",
    "serve": "#d9d2e9",
}
WIDTH, HEIGHT, GAP_X, GAP_Y = 140, 30, 18, 44  # pixels of a box, and between boxes


def page() -> str:
    """Drawing and table."""
    rows = "".join(
        row(_named(node), node.group, ", ".join(node.kinds), ", ".join(map(link, node.reads)))
        for node in nodes().values()
    )
    return f"{HEAD}{drawing()}\n\n{heading('asset', 'stage', 'kinds', 'reads')}{rows}"


def drawing() -> str:
    """The graph from top to bottom as an SVG element, with a legend of the groups."""
    rows = layers()
    places = _places(rows)
    width = max(x for x, _ in places.values()) + WIDTH + GAP_X
    height = len(rows) * (HEIGHT + GAP_Y) + HEIGHT
    arrows = [_arrow(places[upstream], places[name]) for name in nodes() for upstream in near(name)]
    boxes = [_box(node, *places[node.name]) for node in nodes().values()]
    return (
        f'<svg class="lineage" viewBox="0 0 {width} {height}" role="img" aria-label="Asset graph"'
        ' font-family="sans-serif" font-size="12" style="background:#fff">'
        + "".join(arrows + boxes + _legend(height - HEIGHT))
        + "</svg>"
    )


def _legend(y: float) -> list[str]:
    """What the colours stand for."""
    return [
        f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}"/>'
        f'<text x="{x + 20}" y="{y + 12}">{group}</text>'
        for x, (group, colour) in zip(count(GAP_X, 110), COLOURS.items(), strict=False)
    ]


def near(name: str) -> list[str]:
    """What an asset reads, apart from what something else that it reads comes from."""
    reads = nodes()[name].reads
    beyond = set().union(*(_upstream(other) for other in reads)) if reads else set()
    return [other for other in reads if other not in beyond]


def layers() -> list[list[str]]:
    """Assets by the length of the longest way to them, each row near below what it reads."""
    depth: dict[str, int] = {}
    for node in nodes().values():  # upstream first
        depth[node.name] = max((depth[name] + 1 for name in node.reads), default=0)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in depth:
        rows[depth[name]].append(name)
    place: dict[str, float] = {}
    for names in rows:
        above = {name: [place[other] for other in near(name)] for name in names}
        names.sort(key=lambda name: sum(above[name]) / max(len(above[name]), 1))
        place |= {name: i - (len(names) - 1) / 2 for i, name in enumerate(names)}
    return rows


def _upstream(name: str) -> set[str]:
    reads = nodes()[name].reads
    return set(reads).union(*(_upstream(other) for other in reads))


def _places(rows: list[list[str]]) -> dict[str, tuple[float, float]]:
    """The upper left corner of each box; rows are centred."""
    widest = max(map(len, rows))
    return {
        name: (
            GAP_X + (i + (widest - len(names)) / 2) * (WIDTH + GAP_X),
            GAP_X + depth * (HEIGHT + GAP_Y),
        )
        for depth, names in enumerate(rows)
        for i, name in enumerate(names)
    }


def _arrow(above: tuple[float, float], below: tuple[float, float]) -> str:
    """A line from the middle of a box's lower edge to that of another's upper edge."""
    x1, y1 = above[0] + WIDTH / 2, above[1] + HEIGHT
    x2, y2 = below[0] + WIDTH / 2, below[1]
    bend = (y2 - y1) / 2
    curve = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    return f'<path d="{curve}" fill="none" stroke="#8a8a8a"/>'


def _box(node: Node, x: float, y: float) -> str:
    page = "tables.html" if node.name in tables() else ""
    return (
        f'<a href="{page}#{node.name}"><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"'
        f' rx="5" fill="{COLOURS[node.group]}" stroke="#8a8a8a"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 19:g}" text-anchor="middle" fill="#000">{node.name}'
        "</text></a>"
    )


def _named(node: Node) -> str:
    """A link to the table's section; what is no table is described here and can be linked to."""
    if node.name in tables():
        return link(node.name)
    words = " ".join(node.description.split())
    return f'<span id="{node.name}">**{node.name}**</span>: {words}'
