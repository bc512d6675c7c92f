"""One thing that is wrong, and reading stamps where some may be damaged."""

from collections.abc import Callable
from dataclasses import dataclass

from ncf_assets.warehouse import DamagedError, Stamp, Warehouse


@dataclass(frozen=True)
class Finding:
    """What was found and where, and the remedy: what a person does, or what `mend` does."""

    what: str
    remedy: str
    mend: Callable[[], None] | None = None


def readable_stamp(place: Warehouse, asset: str, dataset: str) -> Stamp | None:
    """Where a partition comes from; None if it is not there, or damaged, which is found as such."""
    try:
        return place.find_stamp(asset, dataset)
    except DamagedError:
        return None
