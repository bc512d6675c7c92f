"""What becomes of an error in an asset: tried again where it may pass, told with its remedy.

Nothing else is tried again: the same data, check or configuration would fail alike. What a machine
refuses is put into words by `ncf_assets.warehouse.trouble`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from filelock import Timeout

from ncf_assets.ingest.download import DownloadError, RefusedError
from ncf_assets.ingest.packing import SourceError
from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.lease import ClaimLostError
from ncf_assets.warehouse.spark import SparkError
from ncf_assets.warehouse.store import StoreError
from ncf_assets.warehouse.trouble import Trouble, trouble

WAITS = (10.0, 30.0, 90.0)  # seconds before each further try of a step; ours


@contextmanager
def told(
    context: dg.AssetExecutionContext, warehouse: Warehouse, assets: tuple[str, ...]
) -> Iterator[None]:
    """Have Dagster try the step again, or fail it at once with what was found and the remedy."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        found = _known(error, warehouse)
        if found is None:
            raise
        dataset = context.partition_key if context.has_partition_key else EVERY
        failure = dg.Failure(
            "; ".join((found.text, *_in_place(warehouse, assets, dataset))), allow_retries=False
        )
        failure.__cause__ = error
        if not found.passing:
            raise failure  # noqa: B904  # its cause is set
        _try_again(context, failure)


def _known(error: Exception, warehouse: Warehouse) -> Trouble | None:
    """What is known of an error; None for a mistake in the code."""
    if isinstance(error, SourceError | RefusedError | SparkError | ClaimLostError):
        return Trouble(str(error))
    if isinstance(error, DownloadError | StoreError):
        return Trouble(str(error), passing=True)
    if isinstance(error, Timeout):
        return Trouble(
            f"{error.lock_file} is held by another process; wait for it, or end it", passing=True
        )
    if isinstance(error, ConnectionError):  # `ncf.team`'s; those of downloads are told above
        return Trouble(str(error))
    return trouble(error, warehouse.root)


def _in_place(warehouse: Warehouse, assets: tuple[str, ...], dataset: str) -> list[str]:
    """What there is, if anything, and its size, by which one may guess what space is needed."""
    assets = tuple(name for name in assets if warehouse.file(name, dataset).exists())
    if not assets:
        return []
    folders = [warehouse.folder(asset, dataset) for asset in assets]
    size = sum(file.stat().st_size for folder in folders for file in folder.glob("[!.]*"))
    names = ", ".join(assets)
    of = "all datasets" if dataset == EVERY else f"dataset {dataset}"
    return [f"what is in place of {names} of {of} is whole ({size / 1e6:,.1f} MB)"]


def _try_again(context: dg.AssetExecutionContext, failure: dg.Failure) -> None:
    """Ask Dagster for another try; after the last one the step fails with this failure's words."""
    tried = context.retry_number
    wait = WAITS[min(tried, len(WAITS) - 1)]
    if tried < len(WAITS):
        context.log.warning(f"{failure.description}; trying again in {wait:g} s")
    raise dg.RetryRequested(max_retries=len(WAITS), seconds_to_wait=wait) from failure
