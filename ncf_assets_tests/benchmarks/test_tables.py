"""The benchmark of tables reads what it has drawn, from both kinds of files."""

import time
from pathlib import Path

from benchmarks import tables


def test_both_files_become_interactions_and_ratios(tmp_path: Path) -> None:
    """The ratios are of the whole way, to a script too, and of its first step, a part of it."""
    found = tables.measure(tmp_path, 2_000, 1, time.perf_counter)
    kinds = ("", "_raw_reviews", "_by_script")
    assert set(found) == {f"{file}{kind}" for file in ("csv", "parquet") for kind in kinds}
    assert min(found.values()) > 0
    assert found["csv_raw_reviews"] < found["csv"]
    assert found["parquet_raw_reviews"] < found["parquet"]
