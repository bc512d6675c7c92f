"""Give users who came after the training the embeddings that NeuMF would have for them.

A user of `training.next_item` has no embedding of their own: it follows from the user's items, by
one solve for the columns of the factorization and a weighted sum for those that are learnt.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ials
from ncf_assets.ncf.models.ials import IalsSettings

LEARNT = ("gmf_history", "mlp_history", "age")  # the weights that histories are summed by


@dataclass(frozen=True)
class FoldIn:
    """What a trained network takes from a history.

    factorization: how the factors were fitted
    unobserved: the weight of every pair in that fit
    solved_for: the item factors that users are solved for, float32 [n_items, factors]
    scale: what the factors of users are multiplied by
    learnt: the arrays of LEARNT, float32
    """

    factorization: IalsSettings
    unobserved: float
    solved_for: np.ndarray
    scale: float
    learnt: Mapping[str, np.ndarray]

    @cached_property
    def _solver(self) -> ials.Solver:
        return ials.Solver(self.solved_for, self.unobserved, self.factorization.regularization)

    def embeddings(self, histories: Interactions) -> dict[str, np.ndarray]:
        """Return those of the users of these histories, as `user_embeddings` does."""
        factors = ials.fold_in(histories, self._solver, self.factorization.half_life)
        return user_embeddings(histories, factors, self.scale, self.learnt)

    def save(self, file: Path) -> None:
        """Write it to a file, as arrays without Python objects."""
        arrays: dict[str, Any] = {
            "unobserved": self.unobserved,
            "scale": self.scale,
            "solved_for": self.solved_for,
            **self.learnt,
            **{f"ials_{name}": value for name, value in asdict(self.factorization).items()},
        }
        with file.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, file: Path) -> "FoldIn":
        """Read what `save` wrote."""
        with np.load(file, allow_pickle=False) as found:
            settings = {
                name.removeprefix("ials_"): found[name].item()
                for name in found
                if name.startswith("ials_")
            }
            return cls(
                IalsSettings(**settings),
                found["unobserved"].item(),
                found["solved_for"],
                found["scale"].item(),
                {name: found[name] for name in LEARNT},
            )


def user_embeddings(
    histories: Interactions, factors: np.ndarray, scale: float, learnt: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return the embeddings of users in the Keras model, by the paths of its variables.

    GMF's are [scale · factors | sum of the history | 1 for the bias of the item].
    """
    gmf, mlp = (
        histories.sum_latest(np.asarray(learnt[f"{half}_history"]), np.asarray(learnt["age"]))
        for half in ("gmf", "mlp")
    )
    ones = np.ones((histories.n_users, 1), np.float32)
    return {
        "gmf_user_embedding/embeddings": np.concatenate(
            [np.float32(scale) * factors, gmf, ones], axis=1
        ),
        "mlp_user_embedding/embeddings": mlp,
    }
