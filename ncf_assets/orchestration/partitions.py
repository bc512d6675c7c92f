"""The one partition dimension, `dataset`, and assets that still wait for it.

Which datasets there are is known when the registry is read, not when a module is imported. So the
decorators of `tables` and `models` make an `AssetFactory`, and `definitions.build_defs` builds the
assets with the partitions of its registry.
"""

import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from types import ModuleType

import dagster as dg

from ncf_assets.datasets import Dataset
from ncf_assets.orchestration.upstream import direct_upstream

Partitions = dg.PartitionsDefinition[str]

OWNERS = ["team:recommendations"]
# Where automation is switched on, an asset follows what it is made from. Source files have a sensor
# of their own, so that nobody downloads 24 datasets by one click.
WHEN_UPSTREAM_IS_NEW = dg.AutomationCondition.eager()


@dataclass(frozen=True)
class AssetFactory:
    """Builds the assets that are made together, for given partitions and direct upstream assets."""

    assets: tuple[str, ...]
    reads: tuple[str, ...]
    build: Callable[[Partitions, Collection[str]], dg.AssetsDefinition]


def dataset_partitions(registry: Iterable[Dataset]) -> Partitions:
    """Return a partition for each dataset of a registry, in its order."""
    return dg.StaticPartitionsDefinition([dataset.name for dataset in registry])


def build_assets(
    modules: Iterable[ModuleType], partitions: Partitions
) -> list[dg.AssetsDefinition]:
    """Build the assets of all factories in these modules."""
    factories = {
        id(value): value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, AssetFactory)
    }
    reads = {asset: factory.reads for factory in factories.values() for asset in factory.assets}
    direct = direct_upstream(reads)
    return [factory.build(partitions, direct[factory.assets[0]]) for factory in factories.values()]


def check_spec(
    asset: str,
    name: str,
    description: str,
    partitions: Partitions | None,
    *,
    blocking: bool = True,
) -> dg.AssetCheckSpec:
    """Declare a check with a result for each dataset; it stops the run if it is `blocking`."""
    with warnings.catch_warnings():
        # Partitioned checks are in preview; without them one dataset's result hides another's.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, description=description, blocking=blocking, partitions_def=partitions
        )
