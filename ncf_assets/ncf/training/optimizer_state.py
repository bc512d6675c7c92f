"""Hold what a training changes from step to step: weights, Adam's moments, and averaged weights."""

from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from ncf_assets.ncf.training.cluster import Cluster, Weights


@dataclass(frozen=True)
class OptimizerState:
    """Weights by name, Adam's moments of them, and their running mean, which is validated."""

    weights: Weights
    first: Weights
    second: Weights
    averaged: Weights

    @classmethod
    def start(cls, weights: Weights) -> "OptimizerState":
        """Return the state before any step."""
        tensors = {name: tf.convert_to_tensor(weight) for name, weight in weights.items()}
        zeros = {name: tf.zeros_like(weight) for name, weight in tensors.items()}
        return cls(tensors, zeros, zeros, tensors)

    def after(self, weights: Any, first: Any, second: Any) -> "OptimizerState":
        """Return the state after some steps; the running mean is as it was."""
        return replace(self, weights=weights, first=first, second=second)

    def broadcast_from(self, cluster: Cluster) -> "OptimizerState":
        """Return the state of the cluster's worker 0; of others only the shapes count.

        The running mean stays, as worker 0 alone takes it.
        """
        parts = (self.weights, self.first, self.second)
        return self.after(*(cluster.broadcast_weights(part) for part in parts))
