"""Whether a partition is out of date, by its provenance: source file, code, inputs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import compression, details, download, source
from ncf_assets.orchestration.upstream import direct_upstream
from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

OUTSIDE = "outside_ranks"  # made from files that `ncf-assets evaluate` has accepted
SEARCH = "tuning_trials"  # made on demand: no other asset waits for it
FOLLOWS = "is out of date"
ENTRY_CHANGED = "its entry in datasets.toml has changed"
SAID = {  # of one thing upstream, and of several
    "is not materialized": "are not materialized",
    "has changed": "have changed",
    FOLLOWS: "are out of date",
}


@dataclass(frozen=True)
class Asset:
    """What is needed to know of an asset: its name, code version and upstream assets."""

    name: str
    code_version: str | None
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class PartitionStatus:
    """One partition: its provenance, if it is there, and why it is out of date, if it is."""

    asset: str
    provenance: Provenance | None
    reasons: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Whether the partition is there and up to date."""
        return self.provenance is not None and not self.reasons

    def __str__(self) -> str:
        """Say `up to date`, `not materialized`, or what has changed."""
        if self.reasons:
            return "; ".join(self.reasons)
        return "up to date" if self.provenance else "not materialized"


def partition_statuses(
    warehouse: Warehouse, dataset: Dataset, assets: Iterable[Asset]
) -> list[PartitionStatus]:
    """Return the status of each asset; assets are given upstream first.

    The search, which few people make, is left out where it has not been made.
    """
    assets = list(assets)
    found: dict[str, PartitionStatus] = {}
    direct = direct_upstream({asset.name: asset.upstream for asset in assets})
    for asset in assets:
        try:
            provenance = warehouse.find_provenance(asset.name, dataset.name)
        except DamagedError as error:
            found[asset.name] = PartitionStatus(asset.name, None, (str(error),))
            continue
        reasons = (
            _reasons(warehouse, dataset, asset, direct[asset.name], provenance, found)
            if provenance
            else ()
        )
        found[asset.name] = PartitionStatus(asset.name, provenance, tuple(reasons))
    return [s for s in found.values() if s.provenance or s.reasons or s.asset != SEARCH]


def is_out_of_date(statuses: Iterable[PartitionStatus]) -> bool:
    """Return whether something that has been made is no longer what would be made now."""
    return any(status.reasons for status in statuses)


def verdict(statuses: Sequence[PartitionStatus]) -> str:
    """Say in a few words where a dataset stands."""
    total = len(statuses)
    stale = sum(bool(status.reasons) for status in statuses)
    missing = sum(not (status.provenance or status.reasons) for status in statuses)
    if missing == total:
        return "not materialized"
    counts = {"out of date": stale, "not materialized": missing}
    found = [f"{count} {what}" for what, count in counts.items() if count]
    return f"up to date, {total} assets" if not found else f"{', '.join(found)} of {total} assets"


def remake(assets: Sequence[str], dataset: str) -> str:
    """Return the command that makes assets of a dataset again, and what follows from them.

    The search is made by a command of its own, and so is what all datasets share: each has to be
    the only one of `assets`.
    """
    if dataset == ALL_DATASETS:
        return f"ncf-assets {assets[0]}"
    if SEARCH in assets:
        return f"ncf-assets tune {dataset}"
    return f"ncf-assets materialize {dataset} --select '{','.join(f'{name}+' for name in assets)}'"


def _reasons(
    warehouse: Warehouse,
    dataset: Dataset,
    asset: Asset,
    direct: Collection[str],
    provenance: Provenance,
    upstream: Mapping[str, PartitionStatus],
) -> list[str]:
    """Return why a partition is out of date; nothing if it is not."""
    reasons = []
    if not warehouse.schema_matches(asset.name, dataset.name):
        reasons.append("its columns are not those of this version")
    if provenance.code_version != asset.code_version:
        reasons.append("its code has changed")
    if "source" in provenance.input_hashes and provenance.config != dataset.reading:
        reasons.append(ENTRY_CHANGED)
    if "split" in provenance.config and provenance.config != dataset.splitting:
        reasons.append(ENTRY_CHANGED)
    if "source" in provenance.input_hashes and (
        change := source_change(warehouse, dataset, provenance)
    ):
        reasons.append(change)
    if "details" in provenance.config and (
        change := details_change(warehouse, dataset, provenance)
    ):
        reasons.append(change)
    if asset.name == OUTSIDE and (change := outside_change(warehouse, dataset, provenance)):
        reasons.append(change)
    changes = {name: _change(upstream[name], provenance) for name in asset.upstream}
    for one, many in SAID.items():
        names = [name for name, change in changes.items() if change == one]
        if one == FOLLOWS:  # it is so of the direct ones too, or they have changed
            names = [name for name in names if name in direct]
        if names:
            reasons.append(f"{', '.join(names)} {one if len(names) == 1 else many}")
    return reasons


def _change(made_from: PartitionStatus, provenance: Provenance) -> str | None:
    """Return what has become of an input since it was read."""
    if made_from.provenance is None:
        return "is not materialized"
    if made_from.provenance.content_hash != provenance.input_hashes.get(made_from.asset):
        return "has changed"
    return FOLLOWS if made_from.reasons else None


def source_change(warehouse: Warehouse, dataset: Dataset, provenance: Provenance) -> str | None:
    """Return what has become of the source file since it was read; a missing one is no change."""
    found = download.locate(dataset, warehouse.paths.registry.parent, warehouse.paths.raw)
    files = source.files_of(found) if found else []
    if found is None or not files:
        return None
    read = provenance.input_hashes["source"]
    return _content_change(provenance, found, files, read, "the source file")


def details_change(warehouse: Warehouse, dataset: Dataset, provenance: Provenance) -> str | None:
    """Return what has become of the file of details since it was read; a missing one is no change.

    No file is no change either if none was read.
    """
    file = details.locate(dataset, warehouse.paths.registry.parent, warehouse.paths.raw)
    read = provenance.config["details"]
    if file is None:
        return None if read is None else ENTRY_CHANGED
    if not file.is_file():
        named = Path(provenance.source.get("path", "")).name
        return ENTRY_CHANGED if details.published(dataset) and file.name != named else None
    return _content_change(provenance, file, [file], read, "the file of details")


def outside_change(warehouse: Warehouse, dataset: Dataset, provenance: Provenance) -> str | None:
    """Return which models from outside were brought, replaced or taken out since the ranking."""
    ranked = provenance.config.get("outside", {})
    try:
        origins = outside_scores.kept(warehouse, dataset.name)
    except DamagedError as error:
        return str(error)
    kept = {model: origin.to_json() for model, origin in origins.items()}
    names = sorted({*ranked, *kept})
    if changed := [name for name in names if ranked.get(name) != kept.get(name)]:
        return f"what was brought from outside has changed: {', '.join(changed)}"
    return None


def _content_change(
    provenance: Provenance, found: Path, files: Sequence[Path], read: str | None, what: str
) -> str | None:
    """Return that the content differs from what was read, or why it cannot be read.

    Files of the same times and sizes as then are not read again.
    """
    if source.signature(found).items() <= provenance.source.items():
        return None
    try:
        same = source.fingerprint(files) == read
    except compression.SourceError as error:
        return str(error)
    return None if same else f"{what} has changed"
