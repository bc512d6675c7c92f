"""Generate the page of the asset graph: a drawing in SVG, and a table of which asset reads which.

The graph itself is read in `docs_build.graph`.
"""

from collections.abc import Collection
from functools import cache
from itertools import count, cycle, pairwise
from statistics import mean

from docs_build.graph import Node, heading, link, nodes, row
from ncf_assets.tables import tables

HEAD = """# Lineage

Every step is a Dagster asset. The drawing leaves out an arrow where others lead the same way; the
table below has all. A click on an asset leads to its description.

"""
# of the groups, in the order of the pipeline; the colors are light enough for black text
PALETTE = ("#cfe2f3", "#d9ead3", "#d9d2e9", "#fff2cc", "#fce5cd", "#ead1dc", "#d0e0e3", "#eeeeee")
WIDTH, HEIGHT, GAP_X, GAP_Y = 140, 30, 18, 44  # pixels of a box, and between boxes
BEND = 6  # pixels that a line takes in a row that it passes


def page() -> str:
    """Return the drawing and the table."""
    rows = "".join(
        row(_named(node), node.group, ", ".join(node.kinds), ", ".join(map(link, node.reads)))
        for node in nodes().values()
    )
    return f"{HEAD}{drawing()}\n\n{heading('asset', 'stage', 'kinds', 'reads')}{rows}"


def drawing() -> str:
    """Draw the graph from top to bottom as an SVG element, with a legend of the groups."""
    ways = {(upstream, name): way(upstream, name) for name in nodes() for upstream in near(name)}
    rows = ordered(ways.values())
    middles = _middles(rows)
    width = max(x for x, _ in middles.values()) + WIDTH / 2 + GAP_X
    height = len(rows) * (HEIGHT + GAP_Y) + HEIGHT
    arrows = [_arrow([middles[stop] for stop in stops]) for stops in ways.values()]
    boxes = [_box(node, *middles[node.name]) for node in nodes().values()]
    return (
        f'<svg class="lineage" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="Lineage"'
        ' font-family="sans-serif" font-size="12" style="background:#fff">'
        + "".join(arrows + boxes + _legend(height - HEIGHT))
        + "</svg>"
    )


def near(name: str) -> list[str]:
    """Return what an asset reads, except what is also upstream of something else that it reads."""
    reads = nodes()[name].reads
    beyond = set().union(*(_upstream(other) for other in reads))
    return [other for other in reads if other not in beyond]


def way(upstream: str, name: str) -> list[str]:
    """Return an arrow's stops: two boxes, and a bend in each row between them.

    A bend has the name of the upstream box and a dot for each row, so that it has a slot of its own
    in the row, and all arrows from that box share it.
    """
    rows = depths()
    return [
        upstream,
        *(f"{upstream}{'.' * n}" for n in range(1, rows[name] - rows[upstream])),
        name,
    ]


@cache
def depths() -> dict[str, int]:
    """Return the row of each asset: the length of the longest path to it."""
    found: dict[str, int] = {}
    for node in nodes().values():  # upstream first
        found[node.name] = max((found[name] + 1 for name in node.reads), default=0)
    return found


def ordered(ways: Collection[list[str]]) -> list[list[str]]:
    """Return boxes and bends row by row, each close below what leads to it."""
    above: dict[str, set[str]] = {name: set() for name in depths()}
    for stop, following in (pair for stops in ways for pair in pairwise(stops)):
        above.setdefault(following, set()).add(stop)
    rows: list[list[str]] = [[] for _ in range(max(depths().values()) + 1)]
    for stop in above:
        rows[_depth(stop)].append(stop)
    offset: dict[str, float] = {}  # from the middle of the row
    for stops in rows:
        wanted = {stop: mean([offset[x] for x in above[stop]] or [0]) for stop in stops}
        stops.sort(key=lambda stop: (wanted[stop], stop))
        offset |= {stop: i - (len(stops) - 1) / 2 for i, stop in enumerate(stops)}
    return rows


@cache
def colors() -> dict[str, str]:
    """Return the color of each group."""
    groups = dict.fromkeys(node.group for node in nodes().values())
    return dict(zip(groups, cycle(PALETTE), strict=False))


def _upstream(name: str) -> set[str]:
    reads = nodes()[name].reads
    return set(reads).union(*(_upstream(other) for other in reads))


def _depth(stop: str) -> int:
    return depths()[stop.rstrip(".")] + stop.count(".")


def _middles(rows: list[list[str]]) -> dict[str, tuple[float, float]]:
    """Return the middle of each box and bend; rows are centered, and bends are narrow."""
    widths = [[BEND if stop.endswith(".") else WIDTH for stop in stops] for stops in rows]
    widest = max(sum(of_row) + GAP_X * len(of_row) for of_row in widths)
    middles = {}
    for depth, (stops, of_row) in enumerate(zip(rows, widths, strict=True)):
        left = GAP_X + (widest - sum(of_row) - GAP_X * len(of_row)) / 2
        for stop, width in zip(stops, of_row, strict=True):
            middles[stop] = (left + width / 2, GAP_X + HEIGHT / 2 + depth * (HEIGHT + GAP_Y))
            left += width + GAP_X
    return middles


def _arrow(middles: list[tuple[float, float]]) -> str:
    """Draw a line from stop to stop: curved between the rows, straight through each row."""
    (x, y), *rest = middles
    line = f"M{x:g} {y + HEIGHT / 2:g}"
    for next_x, next_y in rest:
        start, end = y + HEIGHT / 2, next_y - HEIGHT / 2
        half = (start + end) / 2
        line += f"L{x:g} {start:g}C{x:g} {half:g} {next_x:g} {half:g} {next_x:g} {end:g}"
        x, y = next_x, next_y
    return f'<path d="{line}" fill="none" stroke="#8a8a8a" marker-end="url(#tip)"/>'


def _box(node: Node, x: float, y: float) -> str:
    page = "tables.html" if node.name in tables() else ""
    return (
        f'<a href="{page}#{node.name}"><rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}"'
        f' width="{WIDTH}" height="{HEIGHT}" rx="5" stroke="#8a8a8a"'
        f' fill="{colors()[node.group]}"/>'
        f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle" fill="#000">{node.name}</text></a>'
    )


def _legend(y: float) -> list[str]:
    """Draw the legend of the colors, and define the tip of the arrows."""
    tip = '<path d="M0 0L6 3L0 6z" fill="#8a8a8a"/>'
    return [
        f'<defs><marker id="tip" markerWidth="6" markerHeight="6" refX="6" refY="3" orient="auto">'
        f"{tip}</marker></defs>",
        *(
            f'<rect x="{x}" y="{y}" width="14" height="14" fill="{color}"/>'
            f'<text x="{x + 20}" y="{y + 12}" fill="#000">{group}</text>'
            for x, (group, color) in zip(count(GAP_X, 110), colors().items(), strict=False)
        ),
    ]


def _named(node: Node) -> str:
    """Return a link to a table's section, or the description of another asset with an anchor."""
    if node.name in tables():
        return link(node.name)
    words = " ".join(node.description.split())
    return f'<span id="{node.name}">**{node.name}**</span>: {words}'
