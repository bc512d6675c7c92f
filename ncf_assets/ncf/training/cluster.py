"""Define what training asks of the processes that share it, and answer it for one process.

A `distributed.WorkerCluster` answers it for several. Training itself does not ask how many there
are: with one process, every sum is the value itself, and every message arrives where it is sent.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

Weights = Mapping[str, Any]  # tensors by the paths of Keras's variables


class Cluster:
    """One process: worker 0 of 1. Worker 0 makes the assets and sends the others their work."""

    size = 1
    index = 0
    is_distributed = False

    def local_slice(self, n: int) -> slice:  # noqa: ARG002
        """Return this process's part of n, which is a multiple of `size`."""
        return slice(None)

    def all_reduce(
        self, loss: Any, gradients: Weights, at: Mapping[str, Any]
    ) -> tuple[Any, Weights, dict[str, Any]]:
        """Return the sums over all processes; of gradients by row, all rows [size · n] in order.

        Call it in a `tf.function`. The arguments are those of `compiled_epoch`.
        """
        return loss, gradients, dict(at)

    def broadcast(self, message: str = "") -> str:
        """Return the message of worker 0; messages of other workers are ignored."""
        return message

    def broadcast_weights(self, weights: Weights) -> Weights:
        """Return the weights of worker 0; of the others only the shapes count."""
        return weights

    @contextmanager
    def collective_errors(self) -> Iterator[None]:
        """Raise ConnectionError if a process was lost, as no sum can be taken any more."""
        yield


ONE_PROCESS = Cluster()


def parse_tf_config(config: str) -> tuple[int, int]:
    """Return the number of workers and this process's index.

    Raise ValueError without them, and for a process of another role, such as a cloud's `chief`.
    """
    others: list[str] = []
    with suppress(ValueError, KeyError, TypeError):
        found = json.loads(config)
        others = sorted(set(found["cluster"]) - {"worker"})
        size, task = len(found["cluster"].get("worker", [])), found["task"]
        if not others and task["type"] == "worker" and 0 <= task["index"] < size:
            return size, task["index"]
    if others:
        raise ValueError(
            f"every process of TF_CONFIG must be a worker, found {' and '.join(others)}. List all"
            " addresses as workers, or unset TF_CONFIG to train in one process."
        )
    raise ValueError(
        'TF_CONFIG must be JSON such as {"cluster": {"worker": ["host1:5000", "host2:5000"]},'
        f' "task": {{"type": "worker", "index": 0}}}}, found {config}. Correct or unset it.'
    )


def check_workers(config: str) -> None:
    """Raise ValueError if an address of a valid TF_CONFIG has no port or does not resolve.

    TensorFlow 2.21 waits for such a worker without end, without a word, and ignores SIGTERM.
    """
    for address in json.loads(config)["cluster"]["worker"]:
        host, _, port = str(address).rpartition(":")
        try:
            socket.getaddrinfo(host.strip("[]") or None, int(port))
        except (OSError, ValueError) as error:
            raise ValueError(
                "the workers of TF_CONFIG must have addresses such as host1:5000, whose names"
                f" resolve, found {address} ({error}). Correct it, or start that machine first."
            ) from error
