"""Training by several processes at once: which they are, what they add up, what they are told.

TF_CONFIG, TensorFlow's own variable, lists their addresses and says which of them this process is
(https://www.tensorflow.org/guide/distributed_training). Worker 0, the chief, runs the assets and
tells the others what to do. Sums are taken by the collectives of
`tf.distribute.MultiWorkerMirroredStrategy`. What a step adds up is `epoch`; what an epoch is,
`training`.
"""

import atexit
import functools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.pair_logits import Weights

# what TensorFlow's collectives raise when a process is gone
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)


class Team:
    """The processes of TF_CONFIG, as seen by one, which waits for the others to come up.

    To be made before TensorFlow computes anything, as its collectives ask for.
    """

    def __init__(self) -> None:
        self.size, self.index = place(os.environ["TF_CONFIG"])
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if self._strategy.num_replicas_in_sync != self.size:
            raise ValueError(
                f"a process trains on one device, found {self._strategy.num_replicas_in_sync} for"
                f" {self.size} processes; set CUDA_VISIBLE_DEVICES to one GPU, or to -1 for none"
            )
        if not self.index:
            atexit.register(self._end)

    def share(self, n: int) -> slice:
        """The own part of n, which is a multiple of `size`."""
        each = n // self.size
        return slice(self.index * each, (self.index + 1) * each)

    def joined(
        self, loss: Any, gradients: Weights, at: Mapping[str, Any]
    ) -> tuple[Any, Weights, dict[str, Any]]:
        """The sums of all processes; of gradients by row, all rows [size · n] in order.

        For use in a `tf.function`. Arguments as in `epoch`.
        """
        whole = [path for path in gradients if path not in at]
        rows = {**{f"rows {path}": x for path, x in at.items()}, **{p: gradients[p] for p in at}}

        def join(sums: Any, parts: Any) -> Any:
            replica = tf.distribute.get_replica_context()
            # identities, as a tensor from outside is on no device, which the collectives ask for
            sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, [tf.identity(x) for x in sums])
            return sums, [replica.all_gather(tf.identity(x), 0) for x in parts]

        sums = [loss, *(gradients[path] for path in whole)]
        (loss, *summed), gathered = self._strategy.run(join, (sums, list(rows.values())))
        parts = {
            name: tf.ensure_shape(x, [self.size * rows[name].shape[0], *x.shape[1:]])
            for name, x in zip(rows, gathered, strict=True)
        }
        joined = dict(zip(whole, summed, strict=True)) | {path: parts[path] for path in at}
        return loss, joined, {path: parts[f"rows {path}"] for path in at}

    def told(self, message: str = "") -> str:
        """What the chief says; what others say is not heard."""
        words = np.frombuffer(message.encode(), np.uint8) if self.index == 0 else np.empty(0)
        (length,) = self._sum(np.array([words.size], np.int32)).numpy()
        if not length:  # the sum of empty arrays ends TensorFlow 2.21 with a segmentation fault
            return ""
        padded = np.zeros(length, np.int32)
        padded[: words.size] = words
        return self._sum(padded).numpy().astype(np.uint8).tobytes().decode()

    def of_chief(self, weights: Weights) -> Weights:
        """The chief's weights; of the others only the shapes count."""
        zero = self.index != 0
        return {
            path: self._sum(tf.zeros_like(weight) if zero else weight)
            for path, weight in weights.items()
        }

    @contextmanager
    def together(self) -> Iterator[None]:
        """Say in words that a process was lost. ConnectionError; nothing can be summed any more."""
        try:
            yield
        except LOST as error:
            atexit.unregister(self._end)
            raise ConnectionError(
                "a training needs all processes of TF_CONFIG, one was lost; start them all again,"
                " and the training goes on after its last whole epoch"
            ) from error

    def _end(self) -> None:
        """Let the others go: the chief's process ends."""
        with suppress(*LOST):
            self.told()

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def _sum(self, values: Any) -> Any:
        def add(values: Any) -> Any:
            replica = tf.distribute.get_replica_context()
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))

        return self._strategy.run(add, (values,))


@functools.cache
def of_environment() -> Team:
    """The team of TF_CONFIG, the same one each time."""
    return Team()


def place(config: str) -> tuple[int, int]:
    """Number of workers, and which of them this process is. ValueError if TF_CONFIG is no such."""
    try:
        found = json.loads(config)
        size, task = len(found["cluster"]["worker"]), found["task"]
        if task["type"] == "worker" and 0 <= task["index"] < size:
            return size, task["index"]
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(
        'TF_CONFIG is JSON such as {"cluster": {"worker": ["host1:5000", "host2:5000"]},'
        f' "task": {{"type": "worker", "index": 0}}}}, found {config}; correct or unset it'
    )
