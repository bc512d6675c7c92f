"""Connect to a private DuckDB in memory that sees chosen Parquet files as views.

Its limits are read in `ncf_assets.warehouse.duckdb_limits`. The database that people query is built
in `ncf_assets.warehouse.catalogue`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ncf_assets.sql_text import glob_escaped, literal, quoted
from ncf_assets.warehouse.duckdb_limits import spill_folder
from ncf_assets.warehouse.files import temporary_folder


@contextmanager
def connect(
    root: Path, dataset: str, files: Mapping[str, Path], memory_limit: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to a DuckDB with a view for each named Parquet file of a dataset.

    DuckDB takes `memory_limit` (as it writes limits) and spills the rest to a temporary folder.
    """
    spill = (spill_folder(root) or root / "tmp") / f"dataset={dataset}" / "spill"
    with (
        temporary_folder(spill) as folder,
        duckdb.connect(config=duckdb_config(memory_limit, folder)) as connection,
    ):
        for table, file in files.items():
            # a file name cannot be a prepared parameter of `create view`
            connection.execute(
                f"create view {quoted(table)} as select *"
                f" from read_parquet({literal(glob_escaped(file))}, hive_partitioning = false)"
            )
        yield connection


def duckdb_config(memory_limit: str, spill: Path) -> dict[str, Any]:
    """Return the configuration of a connection with these limits."""
    return {"memory_limit": memory_limit, "temp_directory": str(spill)}
