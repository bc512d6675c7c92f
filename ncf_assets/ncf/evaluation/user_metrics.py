"""Compute every metric at every k for each user's rank by each model.

The formulas are in `metrics` and `sampled_metric_correction`; `summary` averages over users.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ncf_assets.ncf.evaluation import metrics, sampled_metric_correction

NO_CUT = 0  # the k of AUC, which looks at entire lists
GAINS = {
    "hr": metrics.hit_gains,
    "ndcg": metrics.ndcg_gains,
    "mrr": metrics.reciprocal_gains,
    "recall": metrics.hit_gains,  # the same, as there is one relevant item
}
BOUNDED = ("hr", "ndcg")  # these are given with all ties won and lost too
Columns = list[tuple[str, int]]  # metric and k


@dataclass(frozen=True)
class Ranks:
    """The ranks that the models give the held-out items of the same n users, under one protocol.

    `n_candidates` is integers [n]; `n_better` and `n_tied` are integers [n, models].
    """

    n_candidates: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray


@dataclass(frozen=True)
class UserMetrics:
    """The metrics of the users' ranks: float64 [n, models, columns].

    `estimated` values have a bias of their own, so their spread over users is not their error.
    """

    columns: Columns
    values: np.ndarray
    estimated: bool = False


def user_metrics(ranks: Ranks, ks: Sequence[int]) -> UserMetrics:
    """Return every metric at every k by expectation over ties.

    Hit ratio and NDCG are given with all ties won, and with all ties lost, too.
    """
    better, tied = ranks.n_better, ranks.n_tied
    none = np.zeros_like(tied)
    cases = [(name, name, better, tied) for name in GAINS]
    cases += [(f"{name}_optimistic", name, better, none) for name in BOUNDED]
    cases += [(f"{name}_pessimistic", name, better + tied, none) for name in BOUNDED]
    columns = [(label, k) for label, *_ in cases for k in ks] + [("auc", NO_CUT)]
    values = np.empty((*better.shape, len(columns)))
    each = itertools.product(cases, ks)
    for column, ((_, name, n_better, n_tied), k) in enumerate(each):
        values[:, :, column] = metrics.expected_gain(GAINS[name](k), n_better, n_tied)
    values[:, :, -1] = metrics.auc(better, tied, ranks.n_candidates[:, None])
    return UserMetrics(columns, values)


def corrected_user_metrics(
    sampled: Ranks, n_candidates: np.ndarray, ks: Sequence[int]
) -> UserMetrics:
    """Return estimates of the full lists' metrics from sampled ranks, by expectation.

    The full lists have the lengths n_candidates [n]. AUC is left out: sampled or not, its
    expectation is the same.
    """
    columns = [(name, k) for name in GAINS for k in ks]
    gains = np.zeros((len(columns), max(ks)))
    for row, (name, k) in zip(gains, columns, strict=True):
        row[:k] = GAINS[name](k)
    n_negatives = int(sampled.n_candidates[0]) - 1
    lengths = sampled_metric_correction.rounded(n_candidates, n_negatives)
    values = np.empty((*sampled.n_better.shape, len(columns)))
    for length in np.unique(lengths):
        users = lengths == length
        ranks = sampled.n_better[users], sampled.n_tied[users]
        of_length = sampled_metric_correction.corrected_gains(gains, int(length), n_negatives)
        for column, own in enumerate(of_length):
            values[users, :, column] = metrics.expected_gain(own, *ranks)
    return UserMetrics(columns, values, estimated=True)
