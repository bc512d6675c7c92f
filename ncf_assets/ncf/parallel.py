"""Work on slices of rows with all cores: one thread each, and one BLAS thread inside each.

numpy releases Python's lock in long operations, so threads suffice and share all arrays. The caller
decides what is done with a slice.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits


def map_slices(work: Callable[[slice], None], n: int, size: int) -> None:
    """Call `work` for 0 … n - 1 in slices of `size`; the first error ends it and is raised."""
    slices = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    pool = ThreadPoolExecutor(cores())
    # more BLAS threads than cores halve the speed: the products here are small
    with threadpool_limits(1, user_api="blas"):
        try:
            for _ in pool.map(work, slices):
                pass
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
