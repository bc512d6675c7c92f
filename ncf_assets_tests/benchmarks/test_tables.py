"""The benchmark of tables reads what it has drawn, from both kinds of files."""

import time
from pathlib import Path

from benchmarks import tables


def test_both_files_become_interactions_and_ratios(tmp_path: Path) -> None:
    """The ratios are of the whole way and of its first step, which is a part of it."""
    found = tables.measure(tmp_path, 2_000, 1, time.perf_counter)
    assert set(found) == {"csv", "csv_raw_reviews", "parquet", "parquet_raw_reviews"}
    assert 0 < found["csv_raw_reviews"] < found["csv"]
    assert 0 < found["parquet_raw_reviews"] < found["parquet"]
