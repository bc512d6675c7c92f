"""Say what is made of a block of users: their ranks, and their best items.

Arrays in, arrays out, so that the same code runs in the process of a run and on other machines
(`orchestration.user_blocks`). A user's rows do not depend on the users of other blocks, as blocks
of `ranking.users_of_block` divide the users in the same way whoever works. So it is with
`evaluation_negatives.Negatives`, whose draws follow from the user's own key.
"""

from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.evaluation import ranking
from ncf_assets.ncf.evaluation.ranking import BlockScorer, HeldOutRanks, RankCounts
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.recommend import top_k
from ncf_assets.ncf.recommend.top_k import TopUnseen

SCORED_AT_ONCE = 128  # blocks of `ranking.score_all`; chosen: a core scores them in a few seconds

Arrays = dict[str, np.ndarray]


def scored_at_once(n_items: int) -> int:
    """Return of how many users all scores are made at once: a multiple of a block of scores."""
    return SCORED_AT_ONCE * ranking.users_of_block(n_items)


@dataclass(frozen=True)
class Ranks:
    """Rank the held-out items of some users by a model, and keep the users' k best items.

    rows: integers [m], ascending, the users of all held-out items
    candidates: integers [m, 1 + negatives], the held-out item first
    seen: all interactions
    known: what the model was fitted to, which is not among the best items
    """

    model: str
    scorer: BlockScorer
    rows: np.ndarray
    candidates: np.ndarray
    seen: InteractionSet
    known: InteractionSet
    k: int

    def __call__(self, users: np.ndarray) -> Arrays:
        """Return the counts `full` and `sampled`, int32 [rows, 3] each, and `items` [users, k].

        The columns of the counts are those of `RankCounts`. The users must follow each other.
        """
        first = np.searchsorted(self.rows, users[:1])
        last = np.searchsorted(self.rows, users[-1:], "right")
        part = slice(int(first.sum()), int(last.sum()))  # of no users, both are empty
        held_out = HeldOutRanks(self.rows[part], self.candidates[part], self.seen)
        top = TopUnseen(users, self.known, self.k)
        ranking.score_all(self.model, self.scorer, users, self.seen.n_items, [held_out, top])
        return {
            "full": _columns(held_out.full),
            "sampled": _columns(held_out.sampled),
            "items": top.items,
        }


@dataclass(frozen=True)
class Recommendations:
    """Find the k best unseen items of some users."""

    model: str
    scorer: BlockScorer
    seen: InteractionSet
    k: int

    def __call__(self, users: np.ndarray) -> Arrays:
        """Return the columns user, position, item and score of the users' lists."""
        top = TopUnseen(users, self.seen, self.k)
        ranking.score_all(self.model, self.scorer, users, self.seen.n_items, [top])
        columns = top_k.long_form(top)
        return {**columns, "user": users[columns["user"]]}


def _columns(counts: RankCounts) -> np.ndarray:
    return np.column_stack([counts.n_candidates, counts.n_better, counts.n_tied])
