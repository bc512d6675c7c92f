"""Turn exceptions in assets into Dagster failures with a remedy; retry the transient ones.

Nothing else is retried: the same data, check or configuration would fail again. What the system
refuses is explained by `ncf_assets.warehouse.system_errors`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg

from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.download import DownloadError
from ncf_assets.warehouse.object_store import RefusedError, ReplacedError, StoreError
from ncf_assets.warehouse.parquet import DamagedError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.spark import SparkError
from ncf_assets.warehouse.system_errors import Explanation, explain
from ncf_assets.warehouse.warehouse import NotMaterializedError, Warehouse

RETRY_DELAYS = (10.0, 30.0, 90.0)  # seconds before each further try of a step: chosen


# errors whose message names the remedy; another try would fail alike, or all tries are used up
FINAL = (
    SourceError,
    DownloadError,  # which has been retried for as long as that may help
    SparkError,
    RefusedError,
    ReplacedError,
    DamagedError,
    NotMaterializedError,
)


@contextmanager
def translate_errors(
    context: dg.AssetExecutionContext, warehouse: Warehouse, assets: tuple[str, ...]
) -> Iterator[None]:
    """Have Dagster retry the step, or fail it at once with what was found and the remedy."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        found = _classify(error, warehouse)
        if found is None:
            raise
        dataset = context.partition_key if context.has_partition_key else ALL_DATASETS
        # a store that cannot be used cannot be asked what it has
        is_told = not isinstance(error, StoreError | ReplacedError)
        run_id = context.run.run_id
        intact = _previous_versions(warehouse, assets, dataset, run_id) if is_told else ""
        failure = dg.Failure(f"{found.text.rstrip('.')}.{intact}", allow_retries=False)
        failure.__cause__ = error
        if not found.transient:
            raise failure  # noqa: B904  # its cause is set
        _request_retry(context, failure)


def _classify(error: Exception, warehouse: Warehouse) -> Explanation | None:
    """Return what is known of an error; None for a mistake in the code."""
    if isinstance(error, FINAL):
        return Explanation(str(error))
    if isinstance(error, StoreError):
        return Explanation(str(error), transient=True)
    if isinstance(error, ConnectionError):  # of a cluster; those of downloads are handled above
        return Explanation(str(error))
    return explain(error, warehouse.root)


def _previous_versions(
    warehouse: Warehouse, assets: tuple[str, ...], dataset: str, run_id: str
) -> str:
    """Name the assets that have a version which this run has not replaced, if any."""

    def is_intact(asset: str) -> bool:
        with suppress(DamagedError):
            found = warehouse.find_provenance(asset, dataset)
            return found is not None and found.run_id != run_id
        return False

    names = ", ".join(filter(is_intact, assets))
    if not names:
        return ""
    of = "all datasets" if dataset == ALL_DATASETS else f"dataset {dataset}"
    return f" The previous version of {names} ({of}) is intact."


def _request_retry(context: dg.AssetExecutionContext, failure: dg.Failure) -> None:
    """Ask Dagster for another try; after the last one the step fails with this failure's text."""
    tried = context.retry_number
    wait = RETRY_DELAYS[min(tried, len(RETRY_DELAYS) - 1)]
    if tried < len(RETRY_DELAYS):
        context.log.warning(f"{failure.description} Trying again in {wait:g} s.")
    raise dg.RetryRequested(max_retries=len(RETRY_DELAYS), seconds_to_wait=wait) from failure
