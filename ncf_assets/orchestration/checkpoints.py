"""Resuming a training that was killed: its state after each epoch, while it is still the same.

What the state consists of is in `ncf_assets.ncf.training.checkpoint`; where it lies is in
`ncf_assets.warehouse.paths`.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.orchestration.publish import AssetRun

KEY = "training"  # the array that holds code version, input hashes and config, as JSON
SAME = ("code_version", "input_hashes", "config")  # what makes two trainings the same


class CheckpointStore:
    """The checkpoint of one model's training on one dataset."""

    def __init__(self, run: AssetRun, asset: str) -> None:
        self._run = run
        self._asset = asset
        provenance = run.provenance(asset)
        self._key = json.dumps({name: provenance[name] for name in SAME}, sort_keys=True).encode()

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
                    f"{self._asset}: a training was interrupted, but data, configuration or code"
                    " have changed since; training starts afresh"
                )
                return None
            state = checkpoint.from_arrays(arrays)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            log.warning(f"{file} is damaged ({error}); training starts afresh")
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


def read_key(file: Path) -> dict[str, Any] | None:
    """Return code version, input hashes and config of a training; None if the file is damaged."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            key: dict[str, Any] = json.loads(kept[KEY].tobytes())
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return key
