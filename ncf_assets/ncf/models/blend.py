"""Blend two models: a weighted sum of their scores, each brought to the same scale by user.

It is the baseline that says what a sum of the closed forms is worth, which NeuMF must beat.
"""

from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.evaluation.ranking import BlockScorer


@dataclass(frozen=True)
class BlendSettings:
    """The weight of the first model's scores; the second's is 1 - weight."""

    weight: float


@dataclass(frozen=True)
class Blend:
    """Two models and the weight of the first."""

    first: BlockScorer
    second: BlockScorer
    settings: BlendSettings

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items: users int32 [b] -> float32 [b, n_items]."""
        weight = np.float32(self.settings.weight)
        return weight * _standardized(self.first(users)) + (1 - weight) * _standardized(
            self.second(users)
        )


def _standardized(scores: np.ndarray) -> np.ndarray:
    """Return each user's scores with a standard deviation of 1; equal scores stay.

    Their mean is left as it is: it is the same for all items of a user.
    """
    deviation = scores.std(axis=1, keepdims=True)
    return scores / np.where(deviation > 0, deviation, 1)
