"""Follow provenance upstream: what a partition was made from, and what does not fit together.

The view `lineage` for people is in `ncf_assets/warehouse/lineage.sql`. Whether a partition is out
of date is decided in `ncf_assets.orchestration.staleness`.
"""

from collections.abc import Iterable

from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse


def upstream_provenance(
    warehouse: Warehouse, assets: Iterable[str], dataset: str
) -> dict[str, Provenance]:
    """Return the provenance of these assets and of all that they were made from, sorted by name."""
    found: dict[str, Provenance] = {}
    waiting = list(assets)
    while waiting:
        name = waiting.pop()
        if name == "source" or name in found:
            continue
        if provenance := warehouse.find_provenance(name, dataset):
            found[name] = provenance
            waiting += provenance.input_hashes
    return dict(sorted(found.items()))


def find_inconsistencies(warehouse: Warehouse, assets: Iterable[str], dataset: str) -> list[str]:
    """Return why these assets do not fit together, or into this version; empty if they do.

    The reasons are that something upstream has been replaced since they were made, that they come
    from different source files, or that they have the columns of another version. The reasons have
    no full stop at their end, as they are joined.
    """
    provenances = upstream_provenance(warehouse, assets, dataset)
    broken = [
        f"{name} was made from {upstream} {content}, which is now"
        f" {provenances[upstream].content_hash if upstream in provenances else 'missing'}."
        f" Materialize {name} and what follows from it"
        for name, provenance in provenances.items()
        for upstream, content in provenance.input_hashes.items()
        if upstream != "source"
        and (upstream not in provenances or provenances[upstream].content_hash != content)
    ]
    sources = {
        n: s.input_hashes["source"] for n, s in provenances.items() if "source" in s.input_hashes
    }
    if len(set(sources.values())) > 1:
        broken.append(f"{' and '.join(sources)} come from different files. Materialize both")
    return broken + [
        f"{name} has other columns than this version's. Materialize {name} and what follows from it"
        for name in provenances
        if not warehouse.schema_matches(name, dataset)
    ]
