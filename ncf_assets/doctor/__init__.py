"""What is wrong with a data folder and with Dagster's history of it, and what mends it.

Here is what is looked at, and in which order. Partitions are looked at in `partitions`, what killed
runs leave in `leftovers`. How it is told is the command's concern.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from ncf_assets.datasets import Dataset
from ncf_assets.doctor import leftovers, partitions
from ncf_assets.doctor.finding import Finding
from ncf_assets.freshness import Asset
from ncf_assets.tables import tables
from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import holders
from ncf_assets.warehouse.lease import Holder

__all__ = ["Examination", "Finding"]


SPANNING = [Asset(name, None, ()) for name, table in tables().items() if table.spans_datasets]


@dataclass(frozen=True)
class Examination:
    """What is examined. Datasets that a run works on are left out.

    assets: those that are partitioned by dataset, in the order of the data's way
    """

    place: Warehouse
    registry: Mapping[str, Dataset]
    assets: Sequence[Asset]
    instance: dg.DagsterInstance

    def busy(self) -> dict[str, Holder]:
        """The datasets that a run works on."""
        held = {dataset: holders(self.place, dataset) for dataset in (*self.registry, EVERY)}
        return {dataset: who[0] for dataset, who in held.items() if who}

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong: runs and exports, then datasets, then the catalogue."""
        yield from leftovers.dead_runs(self.instance, self.place)
        yield from leftovers.spilled_exports(self.place)
        yield from partitions.foreign(self.place, self.registry)
        busy = self.busy()
        for dataset in (*self.registry, EVERY):
            if dataset not in busy:
                assets = SPANNING if dataset == EVERY else self.assets
                yield from leftovers.temporary_files(self.place, dataset)
                yield from leftovers.checkpoints(self.place, assets, dataset)
                yield from partitions.damaged(self.place, assets, dataset)
                yield from partitions.missing(self.place, assets, dataset)
        if not busy:  # a run may be about to refresh it
            yield from leftovers.stale_catalogue(self.place)
