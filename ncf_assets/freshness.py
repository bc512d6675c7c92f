"""Whether a partition is out of date: its stamp against source file, code and upstream."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import download, packing, source
from ncf_assets.warehouse import DamagedError, Stamp, Warehouse

# of one thing upstream, and of several
SAID = {
    "is not materialized": "are not materialized",
    "has changed": "have changed",
    "is out of date": "are out of date",
}


@dataclass(frozen=True)
class Asset:
    """What freshness needs to know of an asset: its name, code version and upstream assets."""

    name: str
    code: str | None
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """One asset's partition: its stamp, if it is there, and why it is out of date, if it is."""

    asset: str
    stamp: Stamp | None
    reasons: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Whether the partition is there and up to date."""
        return self.stamp is not None and not self.reasons

    def __str__(self) -> str:
        """Say `up to date`, `not materialized`, or what has changed."""
        if self.reasons:
            return "; ".join(self.reasons)
        return "up to date" if self.stamp else "not materialized"


def states(warehouse: Warehouse, dataset: Dataset, assets: Iterable[Asset]) -> list[State]:
    """The state of each asset, given in an order in which upstream comes first."""
    found: dict[str, State] = {}
    for asset in assets:
        try:
            stamp = warehouse.find_stamp(asset.name, dataset.name)
        except DamagedError as error:
            found[asset.name] = State(asset.name, None, (str(error),))
            continue
        reasons = _reasons(warehouse, dataset, asset, stamp, found) if stamp else ()
        found[asset.name] = State(asset.name, stamp, tuple(reasons))
    return list(found.values())


def _reasons(
    warehouse: Warehouse,
    dataset: Dataset,
    asset: Asset,
    stamp: Stamp,
    upstream: Mapping[str, State],
) -> list[str]:
    """Why a partition is out of date; empty if it is not."""
    reasons = []
    if not warehouse.has_its_columns(asset.name, dataset.name):
        reasons.append("its columns are not those of this version")
    if stamp.code != asset.code:
        reasons.append("its code has changed")
    if "source" in stamp.inputs and stamp.config != dataset.reading:
        reasons.append("its entry in datasets.toml has changed")
    if "source" in stamp.inputs and (change := source_change(warehouse, dataset, stamp)):
        reasons.append(change)
    changes = {name: _change(upstream[name], stamp) for name in asset.upstream}
    for one, many in SAID.items():
        if names := [name for name, change in changes.items() if change == one]:
            reasons.append(f"{', '.join(names)} {one if len(names) == 1 else many}")
    return reasons


def _change(made_from: State, stamp: Stamp) -> str | None:
    """What has become of something upstream since it was read for this stamp."""
    if made_from.stamp is None:
        return "is not materialized"
    if made_from.stamp.content != stamp.inputs.get(made_from.asset):
        return "has changed"
    return "is out of date" if made_from.reasons else None


def source_change(warehouse: Warehouse, dataset: Dataset, stamp: Stamp) -> str | None:
    """What has become of the source file since it was read; one that is gone is no change."""
    found = download.locate(dataset, warehouse.registry.parent, warehouse.raw)
    files = source.files_of(found) if found else []
    if found is None or not files or source.signature(found).items() <= stamp.source.items():
        return None
    try:
        same = source.fingerprint(files) == stamp.inputs["source"]
    except packing.SourceError as error:
        return str(error)
    return None if same else "the source file has changed"
