"""Read how much memory DuckDB may take before it spills to disk, and where it spills.

The limits are environment variables, as these apply to the UI, to a daemon's runs and to the
command line. `ncf_assets.warehouse.system_errors` explains the errors of a machine without memory.
"""

import hashlib
import os
import resource
from pathlib import Path

MEMORY_LIMIT = "50%"  # of the machine's or the container's memory; chosen: two runs fit at once
_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA)  # `ulimit -v` and `ulimit -d`


def memory_limit() -> str:
    """Return NCF_DUCKDB_MEMORY_GB as DuckDB writes limits, or else half of the memory.

    Raise ValueError unless the variable is a number above 0.
    """
    text = os.environ.get("NCF_DUCKDB_MEMORY_GB")
    if not text:
        limit = process_limit()
        return MEMORY_LIMIT if limit is None else f"{limit // 2}B"
    try:
        if 0 < (gigabytes := float(text)) < float("inf"):
            return f"{int(gigabytes * 1e9)}B"
    except ValueError:
        pass
    raise ValueError(
        f"NCF_DUCKDB_MEMORY_GB must be a number above 0, found {text!r}. Correct it, or unset it to"
        " let DuckDB take half of the memory."
    )


def shared_out(limit: str, processes: int) -> str:
    """Return the limit of each of several processes that work at the same time."""
    unit = limit[-1]  # B or %
    return f"{int(limit[:-1]) // processes}{unit}"


def spill_folder(root: Path) -> Path | None:
    """Return a data folder's own folder in that of NCF_DUCKDB_TEMP_DIR; without the variable None.

    Each data folder has its own, as a run removes what killed runs left there. Without the
    variable, DuckDB spills to a folder in the data folder.
    """
    text = os.environ.get("NCF_DUCKDB_TEMP_DIR")
    if not text:
        return None
    own = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return Path(text).expanduser().resolve() / f"{root.name}-{own}"


def export_spill(root: Path) -> Path | None:
    """Return the path that names the folders to which exports spill; None as in `spill_folder`."""
    folder = spill_folder(root)
    return folder and folder / "export"


def shell_spill(root: Path) -> Path:
    """Return the path that names the folders to which `ncf-assets sql` spills."""
    return (spill_folder(root) or root / "tmp") / "sql"


def process_limit() -> int | None:
    """Return the bytes that this process may have, or None if it has no limit of its own."""
    soft = [resource.getrlimit(limit)[0] for limit in _LIMITS]
    return min((limit for limit in soft if limit != resource.RLIM_INFINITY), default=None)
