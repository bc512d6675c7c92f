"""Translate the settings of iALS into those of Spark MLlib's ALS.

MLlib (`pyspark.ml.recommendation.ALS` with `implicitPrefs`) has the loss of Hu, Koren and Volinsky
2008, equation 3: Σ (1 + alpha · r) · (p - w·h)² over all pairs + regParam · Σ n · |w|² over all
rows, where r is a pair's rating or 0, p is 1 for a pair with a rating and else 0, and n is the
row's number of ratings. The loss of `IalsSettings`, divided by a, has this form with

- r = c, an interaction's weight, and alpha = 1 / a;
- w and h longer by √(1 + a) each: MLlib adds the weight of all pairs to that of an interaction and
  pulls both to a score of 1, where we pull the one to 1 and the other to 0, so to 1 / (1 + a);
- regParam = (1 + a) / a · regularization · (1 + unobserved_ratio).

Two things cannot be translated:

- **The penalty.** MLlib's is in proportion to n, ours to n + a · N, where a · N is
  `unobserved_ratio` times the mean of n. So both are the same for a row of n at the mean; MLlib's
  is less for shorter rows, and more for longer ones. If all rows have one n, the losses are equal.
- **Weights other than 1.** On the right side of a row's equations a weight c counts as
  (c + a) / (1 + a) in MLlib, so the difference is of the order of a.

The penalty alone costs up to a seventh of NDCG@10 (docs/scaling.md). So MLlib makes all iterations
but the last. `ials.last_iteration` makes that with our loss, from MLlib's item factors.
"""

from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.models.ials import IalsSettings

BLOCK = 2**24  # chosen: numbers in the factors of a block of rows, 64 MB
BLOCK_INTERACTIONS = 2**20  # chosen: interactions in a block, 12 MB
BLOCKS = 10  # at least, MLlib's default


@dataclass(frozen=True)
class MllibSettings:
    """The parameters of MLlib's ALS, under its names."""

    rank: int
    maxIter: int  # noqa: N815
    alpha: float
    regParam: float  # noqa: N815
    numUserBlocks: int  # noqa: N815
    numItemBlocks: int  # noqa: N815
    seed: int

    @classmethod
    def of(
        cls, settings: IalsSettings, n_users: int, n_items: int, n_interactions: int
    ) -> "MllibSettings":
        """Return what stands for the settings in a fit to that many interactions.

        Blocks are what MLlib divides its work into. Their number follows from the data and not from
        the cluster, as the factors at the start depend on it.
        """
        a = settings.unobserved_ratio * n_interactions / (n_users * n_items)
        ridge = settings.regularization * (1 + settings.unobserved_ratio)

        def blocks(rows: int) -> int:
            sizes = rows * settings.factors / BLOCK, n_interactions / BLOCK_INTERACTIONS
            return max(BLOCKS, *(int(np.ceil(size)) for size in sizes))

        return cls(
            settings.factors,
            max(1, settings.iterations - 1),
            1 / a,
            (1 + a) / a * ridge,
            blocks(n_users),
            blocks(n_items),
            settings.seed,
        )

    @property
    def length(self) -> float:
        """What MLlib's factors are longer by than those of the same loss in our form: √(1 + a)."""
        return float(np.sqrt(1 + 1 / self.alpha))
