"""What a checkpoint must hold to be resumed; trainings that are killed are in test_trainings."""

import json
from pathlib import Path

import numpy as np
import pytest

from ncf_assets.orchestration.checkpoints import KEY, check_arrays, read_key

WEIGHTS = {"logit/kernel": [2, 1]}
SOUND = np.zeros((2, 1), np.float32)


def test_float32_arrays_of_the_weights_shapes_are_sound() -> None:
    """What has no path, such as the history, is not looked at."""
    check_arrays({"weights logit/kernel": SOUND, "history": np.array([1])}, WEIGHTS)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (SOUND.astype(np.float64), r"first of logit/kernel are float64 \[2, 1\]"),
        (SOUND.T, r"are float32 \[1, 2\]"),
        (SOUND + np.nan, "are not finite"),
    ],
)
def test_other_arrays_are_refused_and_named(tmp_path: Path, array: np.ndarray, why: str) -> None:
    """As a home with floatx float64 once left them; the doctor takes the file for damaged."""
    arrays = {"weights logit/kernel": SOUND, "first logit/kernel": array}
    with pytest.raises(ValueError, match=why):
        check_arrays(arrays, WEIGHTS)
    key = np.frombuffer(json.dumps({"weights": WEIGHTS}).encode(), np.uint8)
    np.savez(tmp_path / "poisoned.npz", **arrays, **{KEY: key})
    assert read_key(tmp_path / "poisoned.npz") is None
