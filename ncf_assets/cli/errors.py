"""Which errors are the system's refusals, and how a command puts them into words."""

import duckdb
import sqlalchemy.exc

from ncf_assets.warehouse.object_store import ReplacedError, StoreError
from ncf_assets.warehouse.paths import data_dir
from ncf_assets.warehouse.system_errors import explain

REFUSALS = (OSError, MemoryError, duckdb.Error, sqlalchemy.exc.OperationalError)


def explanation(error: Exception) -> str | None:
    """Return what the system refused and what helps; None for a mistake in the code."""
    if isinstance(error, StoreError | ReplacedError):
        return str(error)
    if not isinstance(error, REFUSALS):
        return None
    found = explain(error, data_dir())
    return found.text if found else None
