"""Following stamps upstream: what a partition was made from, and where the chain is broken."""

from collections.abc import Iterable

from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.stamp import Stamp


def origins(warehouse: Warehouse, assets: Iterable[str], dataset: str) -> dict[str, Stamp]:
    """The stamps of these assets and of all that they were made from, by name, in name order."""
    found: dict[str, Stamp] = {}
    waiting = list(assets)
    while waiting:
        name = waiting.pop()
        if name == "source" or name in found:
            continue
        if stamp := warehouse.find_stamp(name, dataset):
            found[name] = stamp
            waiting += stamp.inputs
    return dict(sorted(found.items()))


def broken_links(warehouse: Warehouse, assets: Iterable[str], dataset: str) -> list[str]:
    """Why these assets do not fit together, or into this version; empty if they do.

    Something upstream has been replaced since they were made, they come from different source
    files, or they have the columns of another version.
    """
    stamps = origins(warehouse, assets, dataset)
    broken = [
        f"{name} was made from {upstream} {content}, which is now"
        f" {stamps[upstream].content if upstream in stamps else 'missing'};"
        f" materialize {name} and what follows from it"
        for name, stamp in stamps.items()
        for upstream, content in stamp.inputs.items()
        if upstream != "source" and (upstream not in stamps or stamps[upstream].content != content)
    ]
    sources = {n: s.inputs["source"] for n, s in stamps.items() if "source" in s.inputs}
    if len(set(sources.values())) > 1:
        broken.append(f"{' and '.join(sources)} come from different files; materialize both")
    return broken + [
        f"{name} has other columns than this version's; materialize {name} and what follows from it"
        for name in stamps
        if not warehouse.has_its_columns(name, dataset)
    ]
