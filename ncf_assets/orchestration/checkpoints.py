"""Resuming a training that was killed: its state after each epoch, while it is still the same.

What the state consists of is in `ncf_assets.ncf.training.checkpoint`; where it lies is in
`ncf_assets.warehouse.paths`.
"""

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.orchestration.fits import Fit
from ncf_assets.orchestration.publish import AssetRun

KEY = "training"  # the array that holds the key, as JSON
FIT = "fit"  # the array that holds the fit, and what an earlier one chose, as JSON
SAME = ("code_version", "input_hashes", "config")  # what makes two trainings the same
VERSIONS = ("tensorflow", "keras")  # another one may lay its state out otherwise, or sum otherwise
SET_ASIDE = "checkpoint.unusable.npz"  # the name of one that does not load, for `ncf-assets doctor`
UNREADABLE = (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile)
QUIET = 20  # chosen: after a write, this many times as long goes by without another


@dataclass(frozen=True)
class Chosen:
    """What a fit chose: an epoch, by all its epochs, and settings that the next fits take over."""

    history: Sequence[Any]  # training.epochs.Epoch
    settings: Mapping[str, Any]

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Chosen":
        """Return what the record of a network says."""
        from ncf_assets.ncf.training.epochs import Epoch

        return cls([Epoch(**epoch) for epoch in record["choosing"]], record["chosen_settings"])

    def as_record(self) -> dict[str, Any]:
        """Return what the record of a network says, as `of_record` reads it."""
        epochs = [asdict(epoch) for epoch in self.history]
        return {"choosing": epochs, "chosen_settings": dict(self.settings)}

    @property
    def epoch(self) -> int:
        """The number of the epoch that did best on validation, or of the last one without any."""
        from ncf_assets.ncf.training.epochs import best_epoch

        return int(best_epoch(self.history).epoch)


@dataclass(frozen=True)
class Interrupted:
    """A training that was interrupted in one of its fits, and what an earlier fit chose."""

    fit: Fit
    chosen: Chosen | None
    state: Any  # training.loop.TrainingState


class CheckpointStore:
    """The checkpoint of one network's training on one dataset.

    Its key is what makes it fit: what makes two trainings the same, the shapes of the weights, and
    the versions of the libraries. Large weights take long to write, so they are not written after
    every epoch.
    """

    def __init__(self, run: AssetRun, asset: str) -> None:
        self._run = run
        self._asset = asset
        self._key = _key(run, asset)
        self._next_write = 0.0

    def load(self) -> Interrupted | None:
        """Return the state of the same training, or None; say in the log which it is and why."""
        from ncf_assets.ncf.training import checkpoint

        file = self._file
        if not file.exists():
            return None
        log = self._run.context.log
        try:
            with np.load(file, allow_pickle=False) as kept:
                arrays = dict(kept)
            key = json.loads(arrays.pop(KEY).tobytes())
            weights = key.pop("weights")
            if key != json.loads(json.dumps(self._key)):
                log.info(
                    f"{self._asset}: a training was interrupted, but data, configuration, code or"
                    " versions have changed since; training starts afresh"
                )
                return None
            stage = json.loads(arrays.pop(FIT).tobytes())
            check_arrays(arrays, weights)
            state = checkpoint.from_arrays(arrays)
        except UNREADABLE as error:
            aside = file.replace(file.with_name(SET_ASIDE))
            log.warning(
                f"{file} cannot be resumed ({error}). It is set aside as {aside.name}, and training"
                " starts afresh."
            )
            return None
        log.info(
            f"{self._asset}: going on after epoch {state.history[-1].epoch} of the fit"
            f" {stage['fit']!r}"
        )
        chosen = Chosen.of_record(stage["chosen"]) if stage["chosen"] else None
        return Interrupted(stage["fit"], chosen, state)

    def save(self, fit: Fit, chosen: Chosen | None, state: Any) -> None:
        """Replace the checkpoint, unless the last one was written a moment ago."""
        from ncf_assets.ncf.training import checkpoint

        started = time.monotonic()
        if started < self._next_write:
            return
        weights = state.optimizer.weights.items()
        key = {**self._key, "weights": {name: list(tensor.shape) for name, tensor in weights}}
        stage = {"fit": fit, "chosen": chosen.as_record() if chosen else None}
        arrays = checkpoint.to_arrays(state) | {KEY: _as_array(key), FIT: _as_array(stage)}
        self._run.warehouse.write_checkpoint(self._asset, self._run.dataset, arrays)
        ended = time.monotonic()
        self._next_write = ended + QUIET * (ended - started)

    def delete(self) -> None:
        """Remove the checkpoint: the training has ended."""
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._run.warehouse.paths.checkpoint(self._asset, self._run.dataset)


class FinishedStore:
    """What an asset has finished of many trainings, for the run after a kill: arrays by name.

    It lies where a network's checkpoint would, and fits the same run, see `CheckpointStore`. Names
    have no space.
    """

    def __init__(self, run: AssetRun, asset: str) -> None:
        self._run, self._asset = run, asset
        self._key = {**_key(run, asset), "weights": {}}
        self._file = run.warehouse.paths.checkpoint(asset, run.dataset)

    def load(self) -> dict[str, np.ndarray]:
        """Return what the same asset's killed run has finished; nothing if there was none."""
        try:
            with np.load(self._file, allow_pickle=False) as kept:
                arrays = dict(kept)
            fits = json.loads(arrays.pop(KEY).tobytes()) == json.loads(json.dumps(self._key))
        except UNREADABLE:
            return {}
        return arrays if fits else {}

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Replace what is kept."""
        kept = {**arrays, KEY: _as_array(self._key)}
        self._run.warehouse.write_checkpoint(self._asset, self._run.dataset, kept)

    def delete(self) -> None:
        """Remove what is kept: it is in the table now."""
        self._file.unlink(missing_ok=True)


def _key(run: AssetRun, asset: str) -> dict[str, Any]:
    """Return what makes two runs of an asset the same."""
    provenance = run.provenance(asset)
    return {
        **{name: provenance[name] for name in SAME},
        "versions": {package: metadata.version(package) for package in VERSIONS},
    }


def check_arrays(arrays: Mapping[str, np.ndarray], weights: Mapping[str, list[int]]) -> None:
    """Raise ValueError unless the arrays are float32, of the weights' shapes, and finite.

    Otherwise each later run would resume what fails, and the model could never be made again.
    """
    for name, array in arrays.items():
        part, _, weight = name.partition(" ")
        if not weight:
            continue
        if array.dtype != np.float32 or list(array.shape) != weights.get(weight):
            raise ValueError(f"{part} of {weight} are {array.dtype} {list(array.shape)}")
        if not np.isfinite(array).all():
            raise ValueError(f"{part} of {weight} are not finite")


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


def _as_array(value: object) -> np.ndarray:
    """Return the JSON of a value as bytes."""
    return np.frombuffer(json.dumps(value, sort_keys=True).encode(), np.uint8)
