"""Find what is wrong with a data folder and with Dagster's history of it, and what fixes it.

This package decides what is examined, and in which order. `ncf_assets.doctor.partitions` examines
partitions, `ncf_assets.doctor.leftovers` finds what killed runs have left, and
`ncf_assets.doctor.history` what Dagster shows and nobody works on. The findings are printed in
`ncf_assets.cli.doctor`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from ncf_assets.datasets import Dataset
from ncf_assets.doctor import history, leftovers, partitions
from ncf_assets.doctor.finding import Finding
from ncf_assets.orchestration.staleness import Asset
from ncf_assets.tables import tables
from ncf_assets.warehouse.dataset_lock import holder
from ncf_assets.warehouse.history_note import history_folder
from ncf_assets.warehouse.lock_holder import LockHolder
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse

__all__ = ["Finding", "HealthCheck"]


GLOBAL_TABLES = [Asset(name, None, ()) for name, table in tables().items() if table.is_global]


@dataclass(frozen=True)
class HealthCheck:
    """The data folder, registry and Dagster instance to examine, except datasets at work.

    faults: what is wrong with blocks of the registry, which are left out of it
    assets: the assets that are partitioned by dataset, in the order of the pipeline
    """

    place: Warehouse
    registry: Mapping[str, Dataset]
    faults: Sequence[str]
    assets: Sequence[Asset]
    instance: dg.DagsterInstance

    def busy(self) -> dict[str, LockHolder]:
        """Return the datasets that a run works on, and that run."""
        root, datasets = self.place.root, (*self.registry, ALL_DATASETS)
        return {dataset: who for dataset in datasets if (who := holder(root, dataset))}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with runs, daemon and exports, with datasets, and the catalogue."""
        yield from leftovers.dead_runs(self.instance, self.place)
        yield from history.waiting_work(self.instance)
        yield from history.idle_daemon(self.instance, history_folder())
        yield from leftovers.spilled_exports(self.place)
        yield from partitions.unregistered(self.place, self.registry, self.faults)
        yield from partitions.web_pages(self.place)
        busy = self.busy()
        idle = [dataset for dataset in self.registry if dataset not in busy]
        yield from history.failed_runs(self.instance, self.place, idle)
        for dataset in (*self.registry, ALL_DATASETS):
            if dataset not in busy:
                assets = GLOBAL_TABLES if dataset == ALL_DATASETS else self.assets
                yield from leftovers.temporary_files(self.place, dataset)
                yield from leftovers.checkpoints(self.place, assets, dataset)
                yield from partitions.damaged(self.place, assets, dataset)
                yield from partitions.missing(self.place, assets, dataset)
        if not busy:  # a run may be about to refresh it
            yield from leftovers.stale_catalogue(self.place)
