"""Map blocks of users over the engine: in this process, or as tasks of Spark's workers.

What is made of a block is in `ncf_assets.ncf.recommend.user_blocks`. Workers unpickle it once each,
with the model in it, and import neither Dagster nor TensorFlow for it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ncf_assets.ncf.parallel import one_core

if TYPE_CHECKING:  # workers load this module
    from ncf_assets.ncf.recommend.user_blocks import Arrays
    from ncf_assets.orchestration.publish import AssetRun

# a row is a block of users: the arrays that were made, or why they could not be
BLOCKS = pa.schema({"arrays": pa.binary(), "error": pa.string()})


def map_users(
    run: AssetRun, work: Callable[[np.ndarray], Arrays], users: np.ndarray, at_once: int
) -> Iterator[Arrays]:
    """Yield what `work` makes of each `at_once` users [n], in their order; at least of one block.

    The first ValueError of `work` is raised, wherever it arose.
    """
    n_blocks = max(1, -(-users.size // at_once))
    spark = run.warehouse.spark
    if spark is None:
        for block in range(n_blocks):
            yield work(users[block * at_once : (block + 1) * at_once])
        return
    with spark.shared((work, users)) as shared, run.warehouse.scratch(run.dataset) as place:

        def task(block: int) -> Iterator[pa.RecordBatch]:
            work, users = shared()
            row: dict[str, bytes | str]
            try:
                with one_core():  # Spark runs a task on each of a worker's cores
                    row = {"arrays": _packed(work(users[block * at_once : (block + 1) * at_once]))}
            except ValueError as error:
                row = {"error": str(error)}
            yield pa.RecordBatch.from_pylist([row], BLOCKS)

        for batch in spark.made(task, n_blocks, BLOCKS, place):
            for row in batch.to_pylist():
                if row["error"] is not None:
                    raise ValueError(row["error"])
                yield _unpacked(row["arrays"])


def _packed(arrays: Arrays) -> bytes:
    with io.BytesIO() as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()


def _unpacked(packed: bytes) -> Arrays:
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        return dict(file)
