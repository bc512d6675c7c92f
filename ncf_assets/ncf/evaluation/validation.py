"""Evaluate a model on validation: the ranks of held-out items among all unseen items.

All choices are made by these metrics: `models.model_selection` chooses settings by them, and
`training.loop` an epoch. The test items play no part in them.
"""

from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.evaluation import metrics, ranking
from ncf_assets.ncf.evaluation.headline import HEADLINE_K
from ncf_assets.ncf.evaluation.metrics import RelevantItems
from ncf_assets.ncf.evaluation.ranking import BlockScorer, HeldOutRanks
from ncf_assets.ncf.interaction_set import InteractionSet


@dataclass(frozen=True)
class Validation:
    """Validation users, and the items that are held out of each one's training.

    A user has a row for each held-out item. `seen` has the pairs of training, and the held-out
    ones; all other items compete.
    """

    users: np.ndarray  # int32 [m], ascending; may be empty
    items: np.ndarray  # int32 [m]
    seen: InteractionSet

    @property
    def empty(self) -> bool:
        """Whether nothing is held out, so that nothing can be chosen."""
        return not self.users.size

    def evaluate(self, scorer: BlockScorer) -> tuple[float, float]:
        """Return HR@10 and NDCG@10 of a model's scores, the means over the users."""
        ranks = HeldOutRanks(self.users, self.items[:, None], self.seen)
        users = np.unique(self.users)
        ranking.score_all("the model to choose", scorer, users, self.seen.n_items, [ranks])
        counts = ranks.full
        items = RelevantItems.of(
            self.users, counts.n_candidates, counts.n_better[:, None], counts.n_tied[:, None]
        )
        hr, ndcg = metrics.hit_ratio(items, HEADLINE_K), metrics.ndcg(items, HEADLINE_K)
        return float(hr.mean()), float(ndcg.mean())


def nothing_held_out(n_items: int) -> Validation:
    """Return a validation without users."""
    nobody = np.empty(0, np.int32)
    return Validation(nobody, nobody, InteractionSet(nobody, nobody, n_items))
