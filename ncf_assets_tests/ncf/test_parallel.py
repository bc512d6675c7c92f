"""All slices are worked on by several threads, and an error ends the work."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from ncf_assets.ncf import parallel


def blas_threads() -> set[int]:
    """Return the number of threads that a matrix product may use now."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_every_row_is_in_one_slice(size: int) -> None:
    """Seven rows are covered, also where the last slice is shorter."""
    times = np.zeros(7, int)

    def count(part: slice) -> None:
        times[part] += 1
        assert part.stop - part.start <= size

    parallel.map_slices(count, 7, size)
    assert times.tolist() == [1] * 7


def test_no_rows_are_no_work() -> None:
    """An empty split is not an error here."""
    parallel.map_slices(pytest.fail, 0, 5)


def test_all_cores_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slices that wait for each other end only if three threads are at work."""
    monkeypatch.setattr(parallel, "cores", lambda: 3)
    barrier = threading.Barrier(3, timeout=20)
    parallel.map_slices(lambda _: barrier.wait(), 3, 1)


def test_matrix_products_inside_use_one_thread() -> None:
    """Afterwards they use as many as before."""
    before, inside = blas_threads(), []
    parallel.map_slices(lambda _: inside.append(blas_threads()), 1, 1)
    assert inside == [{1}]
    assert blas_threads() == before


def test_the_first_error_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that have not begun never begin, and the error itself is raised."""
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    begun = []

    def fail(part: slice) -> None:
        begun.append(part.start)
        time.sleep(0.01)
        raise ArithmeticError("slice 0")

    with pytest.raises(ArithmeticError, match="slice 0"):
        parallel.map_slices(fail, 1000, 1)
    assert len(begun) < 100
