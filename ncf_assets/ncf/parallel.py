"""Work on slices of rows with all cores: one thread each, and one BLAS thread inside each.

numpy releases Python's lock in long operations, so threads suffice and share all arrays. The caller
decides what is done with a slice.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

from threadpoolctl import threadpool_limits

_one_core: ContextVar[bool] = ContextVar("one core", default=False)


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


@contextmanager
def one_core() -> Iterator[None]:
    """Keep the `map_slices` of this thread to one core, where others work on the other cores."""
    before = _one_core.set(True)
    try:
        yield
    finally:
        _one_core.reset(before)


def cores() -> int:
    """Return the number of cores that this thread may use."""
    if _one_core.get():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
