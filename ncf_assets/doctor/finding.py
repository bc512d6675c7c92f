"""Describe one thing that is wrong, and read provenance that may be damaged.

The modules next to this one find what is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Finding:
    """What was found and where, and the remedy: what `fix` does, or else what a person must do."""

    what: str
    remedy: str
    fix: Callable[[], None] | None = None


def readable_provenance(place: Warehouse, asset: str, dataset: str) -> Provenance | None:
    """Return a partition's provenance; None if it is missing, or damaged, which is a finding."""
    try:
        return place.find_provenance(asset, dataset)
    except DamagedError:
        return None
