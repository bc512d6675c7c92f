"""Turn a training's state into plain arrays and back, so that a killed training can go on.

`ncf_assets.orchestration.checkpoints` stores the arrays, and checks that they belong to the same
training.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.training.epochs import Epoch
from ncf_assets.ncf.training.loop import TrainingState
from ncf_assets.ncf.training.optimizer_state import OptimizerState


def to_arrays(progress: TrainingState) -> dict[str, np.ndarray]:
    """Return the state as named arrays without Python objects; equal parts are stored once.

    On large data these arrays are most of what a training writes.
    """
    state = progress.optimizer
    parts = {"weights": state.weights, "first": state.first, "second": state.second}
    if state.averaged is not state.weights:
        parts["averaged"] = state.averaged
    if progress.best is not state.averaged:
        parts["best"] = progress.best
    arrays = {
        f"{part} {path}": np.asarray(tensor)
        for part, tensors in parts.items()
        for path, tensor in tensors.items()
    }
    history = json.dumps([asdict(epoch) for epoch in progress.history])
    return arrays | {"history": np.frombuffer(history.encode(), np.uint8)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> TrainingState:
    """Return the state that `to_arrays` got, to the bit. Raise KeyError if a part is missing."""
    history = json.loads(arrays["history"].tobytes())
    parts: dict[str, dict[str, tf.Tensor]] = {}
    for name, array in arrays.items():
        part, _, path = name.partition(" ")
        if path:
            parts.setdefault(part, {})[path] = tf.constant(array)
    averaged = parts.get("averaged", parts["weights"])
    state = OptimizerState(parts["weights"], parts["first"], parts["second"], averaged)
    epochs = tuple(Epoch(**epoch) for epoch in history)
    return TrainingState(epochs, state, parts.get("best", averaged))
