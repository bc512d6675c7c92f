"""A training's epochs as event files next to the model, which TensorBoard shows."""

import shutil
from dataclasses import asdict
from typing import Any

from ncf_assets.orchestration.fits import Fit
from ncf_assets.orchestration.publish import AssetRun


class EventFiles:
    """The event files of one fit of one run's training, in place of those of runs before."""

    def __init__(self, run: AssetRun, asset: str, fit: Fit) -> None:
        import tensorflow as tf

        folder = run.warehouse.paths.tensorboard(asset, run.dataset)
        own = run.context.run.run_id[:8]
        for other in folder.iterdir() if folder.exists() else ():
            if not other.name.startswith(own):
                shutil.rmtree(other, ignore_errors=True)
        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(str(folder / f"{own}-{fit}"))

    def write(self, epoch: Any) -> None:
        """Add one epoch's figures, where they are known."""
        figures = asdict(epoch)
        step = figures.pop("epoch")
        with self._writer.as_default(step=step):
            for name, value in figures.items():
                if value is not None:
                    self._summary.scalar(name, value)
        self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
