"""Compute every metric at every k for each user's ranks by each model.

The formulas are in `metrics` and `sampled_metric_correction`; `summary` averages over users.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ncf_assets.ncf.evaluation import metrics, rank_gains, sampled_metric_correction
from ncf_assets.ncf.evaluation.metrics import RelevantItems

AT_ONCE = 4_000  # chosen: users whose metrics are computed at a time, in a last-level cache
NO_CUT = 0  # the k of AUC, which looks at entire lists
METRICS = {
    "hr": metrics.hit_ratio,
    "ndcg": metrics.ndcg,
    "mrr": metrics.reciprocal_rank,
    "recall": metrics.recall,
    "precision": metrics.precision,
    "map": metrics.average_precision,
}
BOUNDED = ("hr", "ndcg")  # these are given with all ties won and lost too
TIES = {"optimistic": RelevantItems.ties_won, "pessimistic": RelevantItems.ties_lost}
GAINS = {  # of one relevant item, from which the metrics are estimated
    "hr": rank_gains.hit_gains,
    "ndcg": rank_gains.ndcg_gains,
    "mrr": rank_gains.reciprocal_gains,
    "recall": rank_gains.hit_gains,
}
Columns = list[tuple[str, int]]  # metric and k


@dataclass(frozen=True)
class Ranks:
    """The ranks that the models give the held-out items of the same users, under one protocol.

    A row is a held-out item. `n_candidates` is integers [n]; `n_better` and `n_tied` are integers
    [n, models]. `users` are integers [n], ascending; without them each row is of another user.
    """

    n_candidates: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray
    users: np.ndarray | None = None

    @cached_property
    def starts(self) -> np.ndarray:
        """The rows at which the users' items begin, and their end: integers [users + 1]."""
        if self.users is None:
            return np.arange(len(self.n_candidates) + 1)
        return np.append(np.flatnonzero(np.diff(self.users, prepend=-1)), self.users.size)

    def blocks(self) -> "Iterator[Ranks]":
        """Yield the ranks of the next AT_ONCE users at a time."""
        for first in range(0, self.starts.size - 1, AT_ONCE):
            last = min(first + AT_ONCE, self.starts.size - 1)
            rows = slice(self.starts[first], self.starts[last])
            users = None if self.users is None else self.users[rows]
            yield Ranks(self.n_candidates[rows], self.n_better[rows], self.n_tied[rows], users)

    @cached_property
    def relevant_items(self) -> RelevantItems:
        """The rows as `metrics` needs them."""
        users = np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))
        return RelevantItems.of(users, self.n_candidates, self.n_better, self.n_tied)


@dataclass(frozen=True)
class UserMetrics:
    """The metrics of the users' ranks: float64 [users, models, columns].

    `estimated` values have a bias of their own, so their spread over users is not their error.
    """

    columns: Columns
    values: np.ndarray
    estimated: bool = False


def user_metrics(ranks: Ranks, ks: Sequence[int]) -> UserMetrics:
    """Return every metric at every k by expectation over ties.

    Hit ratio and NDCG are given with all ties won, and with all ties lost, too.
    """
    labels = [*METRICS, *(f"{name}_{which}" for which in TIES for name in BOUNDED)]
    columns = [(label, k) for label in labels for k in ks] + [("auc", NO_CUT)]
    items = ranks.relevant_items
    cases = [(name, items) for name in METRICS]
    cases += [(name, ties(items)) for ties in TIES.values() for name in BOUNDED]
    each = [(name, ranked, k) for name, ranked in cases for k in ks]
    values = np.empty((ranks.starts.size - 1, ranks.n_better.shape[1], len(columns)))
    for column, (name, ranked, k) in enumerate(each):
        values[:, :, column] = METRICS[name](ranked, k)
    values[:, :, -1] = metrics.auc(items)
    return UserMetrics(columns, values)


def corrected_user_metrics(
    sampled: Ranks, n_candidates: np.ndarray, ks: Sequence[int]
) -> UserMetrics:
    """Return estimates of the full lists' metrics from sampled ranks, by expectation.

    The full lists have the lengths n_candidates [n]. Each user has one held-out item. AUC is left
    out: sampled or not, its expectation is the same.
    """
    columns = [(name, k) for name in GAINS for k in ks]
    n_negatives = int(sampled.n_candidates[0]) - 1
    lengths = sampled_metric_correction.rounded(n_candidates, n_negatives)
    values = np.empty((*sampled.n_better.shape, len(columns)))
    for length in np.unique(lengths):
        users = lengths == length
        ranks = sampled.n_better[users], sampled.n_tied[users]
        gains = _corrected_gains(tuple(columns), int(length), n_negatives)
        for column, own in enumerate(gains):
            values[users, :, column] = rank_gains.expected_gain(own, *ranks)
    return UserMetrics(columns, values, estimated=True)


@cache  # the equations of a length take longer than its users, and all blocks have the same lengths
def _corrected_gains(
    columns: tuple[tuple[str, int], ...], n_candidates: int, n_negatives: int
) -> np.ndarray:
    """Return the gains of sampled ranks for metrics and ks: float64 [columns, n_negatives + 1]."""
    gains = np.zeros((len(columns), max(k for _, k in columns)))
    for row, (name, k) in zip(gains, columns, strict=True):
        row[:k] = GAINS[name](k)
    return sampled_metric_correction.corrected_gains(gains, n_candidates, n_negatives)
