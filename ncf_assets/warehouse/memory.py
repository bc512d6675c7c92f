"""How much memory DuckDB may take before it spills, and where to.

Environment variables, as the UI, a daemon's runs and the command line all have them. What happens
when memory is short is `ncf_assets.warehouse.trouble`'s.
"""

import hashlib
import os
import resource
from pathlib import Path

MEMORY_LIMIT = "50%"  # of the machine's or the container's; ours: two runs go at once
_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA)  # `ulimit -v` and `ulimit -d`


def memory_limit() -> str:
    """NCF_MEMORY_GB in DuckDB's words, else half of what there is. ValueError unless above 0."""
    text = os.environ.get("NCF_MEMORY_GB")
    if not text:
        limit = process_limit()
        return MEMORY_LIMIT if limit is None else f"{limit // 2}B"
    try:
        if 0 < (gigabytes := float(text)) < float("inf"):
            return f"{int(gigabytes * 1e9)}B"
    except ValueError:
        pass
    raise ValueError(
        f"NCF_MEMORY_GB must be a number above 0, found {text!r}; correct it, or unset it to let"
        " DuckDB take half of the memory"
    )


def spill_folder(root: Path) -> Path | None:
    """A data folder's own folder in the one that NCF_SPILL_DIR names; without it None.

    Its own, as a run sweeps away what killed ones left there. Without it the data folder has one.
    """
    text = os.environ.get("NCF_SPILL_DIR")
    if not text:
        return None
    own = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return Path(text).expanduser().resolve() / f"{root.name}-{own}"


def export_spill(root: Path) -> Path | None:
    """What the folders to which exports spill are named by; without NCF_SPILL_DIR None."""
    folder = spill_folder(root)
    return folder and folder / "export"


def process_limit() -> int | None:
    """The bytes that this process may have, where it has a limit of its own."""
    soft = [resource.getrlimit(limit)[0] for limit in _LIMITS]
    return min((limit for limit in soft if limit != resource.RLIM_INFINITY), default=None)
