"""Resuming a training that was killed: its state after each epoch, while it is still the same.

What the state consists of is in `ncf_assets.ncf.training.checkpoint`; where it lies is in
`ncf_assets.warehouse.paths`.
"""

import json
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.orchestration.publish import AssetRun

KEY = "training"  # the array that holds the key, as JSON
SAME = ("code_version", "input_hashes", "config")  # what makes two trainings the same
VERSIONS = ("tensorflow", "keras")  # another one may lay its state out otherwise, or sum otherwise
SET_ASIDE = "checkpoint.unusable.npz"  # the name of one that does not load, for `ncf-assets doctor`
UNREADABLE = (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile)


class CheckpointStore:
    """The checkpoint of one network's training on one dataset.

    Its key is all that makes it fit: what makes two trainings the same, the shapes and types of the
    network's weights, and the versions of the libraries.
    """

    def __init__(self, run: AssetRun, asset: str, model: Any) -> None:
        self._run = run
        self._asset = asset
        provenance = run.provenance(asset)
        key = {
            **{name: provenance[name] for name in SAME},
            "weights": {v.path: [str(v.dtype), *v.shape] for v in model.trainable_variables},
            "versions": {package: metadata.version(package) for package in VERSIONS},
        }
        self._key = json.dumps(key, sort_keys=True).encode()

    def load(self) -> Any:
        """Return the state of the same training, or None; say in the log which it is and why."""
        from ncf_assets.ncf.training import checkpoint

        file = self._file
        if not file.exists():
            return None
        log = self._run.context.log
        try:
            with np.load(file, allow_pickle=False) as kept:
                arrays = dict(kept)
            if arrays.pop(KEY).tobytes() != self._key:
                log.info(
                    f"{self._asset}: a training was interrupted, but data, configuration, code or"
                    " versions have changed since; training starts afresh"
                )
                return None
            check_arrays(arrays, json.loads(self._key)["weights"])
            state = checkpoint.from_arrays(arrays)
        except UNREADABLE as error:
            aside = file.replace(file.with_name(SET_ASIDE))
            log.warning(
                f"{file} cannot be resumed ({error}). It is set aside as {aside.name}, and training"
                " starts afresh."
            )
            return None
        log.info(f"{self._asset}: going on after epoch {state.history[-1].epoch}")
        return state

    def save(self, state: Any) -> None:
        """Replace the checkpoint."""
        from ncf_assets.ncf.training import checkpoint

        arrays = checkpoint.to_arrays(state) | {KEY: np.frombuffer(self._key, np.uint8)}
        self._run.warehouse.write_checkpoint(self._asset, self._run.dataset, arrays)

    def delete(self) -> None:
        """Remove the checkpoint: the training has ended."""
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._run.warehouse.paths.checkpoint(self._asset, self._run.dataset)


def check_arrays(arrays: Mapping[str, np.ndarray], weights: Mapping[str, list[Any]]) -> None:
    """Raise ValueError unless the arrays have the weights' types and shapes, and finite numbers.

    Otherwise each later run would resume what fails, and the model could never be made again.
    """
    for name, array in arrays.items():
        part, _, path = name.partition(" ")
        if path and [str(array.dtype), *array.shape] != weights.get(path):
            raise ValueError(f"{part} of {path} are {array.dtype} {list(array.shape)}")
        if path and not np.isfinite(array).all():
            raise ValueError(f"{part} of {path} are not finite")


def read_key(file: Path) -> dict[str, Any] | None:
    """Return the key of a training; None if the file is damaged, or what it holds does not fit."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            arrays = dict(kept)
        key: dict[str, Any] = json.loads(arrays.pop(KEY).tobytes())
        check_arrays(arrays, key["weights"])
    except UNREADABLE:
        return None
    return key
