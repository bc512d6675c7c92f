"""Train with several processes at once: find them, sum over them, and send them messages.

TF_CONFIG, TensorFlow's own variable, lists their addresses and says which of them this process is
(https://www.tensorflow.org/guide/distributed_training). Worker 0, the chief, runs the assets and
sends the others their work. The collectives of `tf.distribute.MultiWorkerMirroredStrategy` take the
sums. `compiled_epoch` decides what a step sums, and `loop` which messages are sent.
"""

import atexit
import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.training.cluster import Cluster, Weights, parse_tf_config

# what TensorFlow's collectives raise when a process is gone
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)


class WorkerCluster(Cluster):
    """The processes of TF_CONFIG, as seen by one of them, which waits until the others are up.

    Make it before TensorFlow computes anything, as its collectives require.
    """

    is_distributed = True

    def __init__(self) -> None:
        self.size, self.index = parse_tf_config(os.environ["TF_CONFIG"])
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if self._strategy.num_replicas_in_sync != self.size:
            raise ValueError(
                "A process must train on one device, found"
                f" {self._strategy.num_replicas_in_sync} for {self.size} processes. Set"
                " CUDA_VISIBLE_DEVICES to one GPU, or to -1 for none."
            )
        if not self.index:
            atexit.register(self._end)

    def local_slice(self, n: int) -> slice:
        """Return this process's part of n, which is a multiple of `size`."""
        each = n // self.size
        return slice(self.index * each, (self.index + 1) * each)

    def all_reduce(
        self, loss: Any, gradients: Weights, at: Mapping[str, Any]
    ) -> tuple[Any, Weights, dict[str, Any]]:
        """Return the sums over all processes; of gradients by row, all rows [size · n] in order."""
        dense = [path for path in gradients if path not in at]
        rows = {**{f"rows {path}": x for path, x in at.items()}, **{p: gradients[p] for p in at}}

        def reduce(sums: Any, parts: Any) -> Any:
            replica = tf.distribute.get_replica_context()
            # identities, as a tensor from outside is on no device, and the collectives require one
            sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, [tf.identity(x) for x in sums])
            return sums, [replica.all_gather(tf.identity(x), 0) for x in parts]

        sums = [loss, *(gradients[path] for path in dense)]
        (loss, *summed), gathered = self._strategy.run(reduce, (sums, list(rows.values())))
        parts = {
            name: tf.ensure_shape(x, [self.size * rows[name].shape[0], *x.shape[1:]])
            for name, x in zip(rows, gathered, strict=True)
        }
        reduced = dict(zip(dense, summed, strict=True)) | {path: parts[path] for path in at}
        return loss, reduced, {path: parts[f"rows {path}"] for path in at}

    def broadcast(self, message: str = "") -> str:
        """Return the message of worker 0; messages of other workers are ignored."""
        words = np.frombuffer(message.encode(), np.uint8) if self.index == 0 else np.empty(0)
        (length,) = self._sum(np.array([words.size], np.int32)).numpy()
        if not length:  # the sum of empty arrays ends TensorFlow 2.21 with a segmentation fault
            return ""
        padded = np.zeros(length, np.int32)
        padded[: words.size] = words
        return self._sum(padded).numpy().astype(np.uint8).tobytes().decode()

    def broadcast_weights(self, weights: Weights) -> Weights:
        """Return the weights of worker 0; of the others only the shapes count."""
        zero = self.index != 0
        return {
            path: self._sum(tf.zeros_like(weight) if zero else weight)
            for path, weight in weights.items()
        }

    @contextmanager
    def collective_errors(self) -> Iterator[None]:
        """Raise ConnectionError if a process was lost, as no sum can be taken any more."""
        try:
            yield
        except LOST as error:
            atexit.unregister(self._end)
            raise ConnectionError(
                "A training needs all processes of TF_CONFIG, but one was lost. Start them all"
                " again, and the training goes on after its last complete epoch."
            ) from error

    def _end(self) -> None:
        """End the other workers, by worker 0's empty message."""
        with suppress(*LOST):
            self.broadcast()

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def _sum(self, values: Any) -> Any:
        def add(values: Any) -> Any:
            replica = tf.distribute.get_replica_context()
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))

        return self._strategy.run(add, (values,))


@functools.cache
def from_env() -> WorkerCluster:
    """Return the cluster of TF_CONFIG, the same one each time."""
    return WorkerCluster()
