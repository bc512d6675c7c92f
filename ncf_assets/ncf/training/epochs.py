"""Record what a training reached in each epoch, find the best epoch, and describe the progress.

`loop` fills the records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """The record of one pass over the training examples; epoch 0 is the model before training."""

    epoch: int
    loss: float | None  # mean over its examples; None for epoch 0
    validation_hr_at_10: float | None  # None without validation users
    validation_ndcg_at_10: float | None
    seconds: float  # validation included
    # validation excluded, and in epoch 1 the compilation included; None for epoch 0
    examples_per_second: float | None


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation NDCG@10, the first of equals.

    Without validation it is the last.
    """
    if history[-1].validation_ndcg_at_10 is None:
        return history[-1]
    return max(history, key=lambda epoch: epoch.validation_ndcg_at_10 or 0.0)


def describe(history: Sequence[Epoch], epochs: int) -> str:
    """Return one short line of progress, such as `epoch 3 of 20: loss 0.3120, …`."""
    epoch = history[-1]
    left = (epochs - epoch.epoch) * epoch.seconds if epoch.epoch else None
    parts = [
        (epoch.loss, "loss {:.4f}"),
        (epoch.validation_ndcg_at_10, "NDCG@10 {:.4f}"),
        (epoch.seconds, "{:.1f} s"),
        (left, "{:.0f} s left"),
    ]
    known = ", ".join(text.format(value) for value, text in parts if value is not None)
    return f"epoch {epoch.epoch} of {epochs}: {known}"


def recorded_epochs(records: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the epochs of both fits of each network among models' records, by the assets' names.

    An epoch is an `Epoch` with `model` and `fit` besides.
    """
    return [
        {"model": name.removesuffix("_model"), "fit": fit, **epoch}
        for name, record in records.items()
        if "choosing" in record
        for fit, epochs in sorted(
            {"choose": record["choosing"], record["fit"]: record["history"]}.items()
        )
        for epoch in epochs
    ]
