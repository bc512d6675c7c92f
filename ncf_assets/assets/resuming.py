"""Going on with a training that was killed: its progress after each epoch, if it is still the same.

What progress is made of is `ncf_assets.ncf.checkpoint`; where it lies, `ncf_assets.warehouse`.
"""

import json
import zipfile
from typing import Any

import numpy as np

from ncf_assets.assets.partition import Run
from ncf_assets.warehouse.checkpoints import TRAINING


class Resuming:
    """The kept progress of one model's training on one dataset."""

    def __init__(self, run: Run, asset: str) -> None:
        self._run = run
        self._asset = asset
        origin = run.origin(asset)
        same = {name: origin[name] for name in ("code", "inputs", "config")}
        self._key = json.dumps(same, sort_keys=True).encode()

    def load(self) -> Any:
        """The progress of the same training, or None; says in the log which it is and why."""
        from ncf_assets.ncf import checkpoint

        file = self._run.warehouse.checkpoint(self._asset, self._run.dataset)
        if not file.exists():
            return None
        log = self._run.context.log
        try:
            with np.load(file, allow_pickle=False) as kept:
                arrays = dict(kept)
            if arrays.pop(TRAINING).tobytes() != self._key:
                log.info(
                    f"{self._asset}: a training was interrupted, but data, configuration or code"
                    " have changed since; training starts afresh"
                )
                return None
            progress = checkpoint.from_arrays(arrays)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            log.warning(f"{file} is damaged ({error}); training starts afresh")
            return None
        log.info(f"{self._asset}: going on after epoch {progress.history[-1].epoch}")
        return progress

    def save(self, progress: Any) -> None:
        """Keep the progress, in place of what was kept before."""
        from ncf_assets.ncf import checkpoint

        arrays = checkpoint.to_arrays(progress) | {TRAINING: np.frombuffer(self._key, np.uint8)}
        self._run.warehouse.write_checkpoint(self._asset, self._run.dataset, arrays)

    def forget(self) -> None:
        """Remove what was kept: the training has ended."""
        self._run.warehouse.checkpoint(self._asset, self._run.dataset).unlink(missing_ok=True)
