"""A training's progress as plain arrays and back, so that a killed training can go on.

Where the arrays are kept, and whether they belong to the same training, is the assets' concern.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import tensorflow as tf

from ncf_assets.ncf.epoch import State
from ncf_assets.ncf.history import Epoch
from ncf_assets.ncf.training import Progress


def to_arrays(progress: Progress) -> dict[str, np.ndarray]:
    """The progress as named arrays, without Python objects in them. What is the same is not twice.

    On large data these are most of what a training writes.
    """
    state = progress.state
    parts = {"weights": state.weights, "first": state.first, "second": state.second}
    if progress.averaged is not state.weights:
        parts["averaged"] = progress.averaged
    if progress.best is not progress.averaged:
        parts["best"] = progress.best
    arrays = {
        f"{part} {path}": np.asarray(tensor)
        for part, tensors in parts.items()
        for path, tensor in tensors.items()
    }
    history = json.dumps([asdict(epoch) for epoch in progress.history])
    return arrays | {"history": np.frombuffer(history.encode(), np.uint8)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Progress:
    """The progress that `to_arrays` was given, to the bit. Raises KeyError if a part is missing."""
    history = json.loads(arrays["history"].tobytes())
    parts: dict[str, dict[str, tf.Tensor]] = {}
    for name, array in arrays.items():
        part, _, path = name.partition(" ")
        if path:
            parts.setdefault(part, {})[path] = tf.constant(array)
    state = State(parts["weights"], parts["first"], parts["second"])
    epochs = tuple(Epoch(**epoch) for epoch in history)
    averaged = parts.get("averaged", state.weights)
    return Progress(epochs, state, averaged, parts.get("best", averaged))
