"""Say in words how the figures were made. No sentence here depends on a result.

Results are in `findings`, and the limits of the method in `caveats`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ncf_assets.ncf.evaluation import rank_gains
from ncf_assets.report.data import join_names
from ncf_assets.report.held_out import several, split_sentence
from ncf_assets.report.protocol import Protocol, counted

FULL = "full: {} ranked among all items that the user has in no part of the data."
CORRECTED = (
    "{}: what the sampled ranks say of the full ones, by the estimator of Krichene and Rendle "
    "(“On Sampled Metrics for Item Recommendation”, KDD 2020, bias-variance with γ = 0.1). "  # noqa: RUF001
    "An estimate, so single values may lie outside 0 to 1."
)
TIES = (
    "Ties count by expectation: an item tied with three others takes each of the four places with "
    "equal chance."
)
INTERVALS = (
    "Intervals: which means other users of the same kind could have given, in 95 % of cases{}. "
    "Those of figures are Wilson's, for the number of users whose hits would vary as much; fewer "
    "than 30 users have none, and neither have estimates. Differences are paired: NeuMF's value "
    "less the other model's, user by user. Their intervals hold together for all comparisons of "
    "this page (max-t, by normal deviations correlated as theirs are), so that of 20 pages about "
    "models that are equally good, 19 claim nothing."
)
SEEDS = ", and other seeds of the networks, by Student's t of so few, for each by itself"
VERDICTS = (
    "Verdicts: NeuMF beats a model if the interval of their difference lies above 0, and loses to "
    "it if it lies below. It equals a model if the interval lies within the margin, {} of that "
    "model's figure. Otherwise it is undecided: the interval is too wide, mostly because of too "
    "few users, or of seeds that differ."
)
FITS = (
    "Fits: settings and epochs are chosen on validation, by NDCG@10 among all unseen items, with "
    "models fitted to train. The figures are of models fitted again, with what was chosen, to "
    "train and validation together{}. Recommendations come from NeuMF fitted to all interactions. "
    "Test items play no part in any choice."
)
TRAINING = (
    "Training: NeuMF learns to tell the next item of a user from random ones, by a softmax, "
    "beside the columns of iALS; GMF, MLP and NeuMF from scratch learn as in the paper, by binary "
    "cross-entropy against freshly drawn negatives. Blend is the sum of iALS and EASE, of each "
    "user's scores brought to the same scale. "
    "ItemKNN, BM25 and RP3beta score an item by its similarity to the user's own: the cosine, a "
    "product of vectors that BM25 weighs, and how often random walks come from one to the other. "
    "SLIST is EASE plus a regression from a user's items to the next one, and says what the order "
    "of events adds."
)
DIVERSITY = (
    "What each model would show the test users, apart from whether it is right. Coverage: the "
    "share of all items that anybody is shown. Novelty: the mean of −log₂ of the share of users "  # noqa: RUF001
    "who have an item, in bits. Gini index: 0 if all items are shown equally often, near 1 if one "
    "is to all. Popularity: the mean share of users who have the items shown. Overlap: the share "
    "of a list that popularity shows the same user too."
)


def method(
    protocols: Sequence[Protocol],
    k: int,
    margin: float | None,
    not_refitted: Sequence[str],
    profile: Mapping[str, Any],
    n_seeds: int,
) -> list[str]:
    """Return the sentences on how the figures by these protocols at this k were made.

    `margin` is the share of a model's figure that counts as none, None without comparisons;
    `not_refitted` are names of models that were evaluated as they were fitted to train; `profile`
    is the row of `data_profile`; networks were trained with `n_seeds`.
    """
    more = [_more_metrics(k)] if several(profile) else []
    figures = [_metrics(k), *more, TIES] if protocols else []
    but = f", but for {join_names(not_refitted)}, which know train alone" if not_refitted else ""
    fits = FITS.format(but)
    verdicts = [] if margin is None else [VERDICTS.format(f"{100 * margin:.3g} %")]
    told = (_protocol(protocol, several(profile)) for protocol in protocols)
    intervals = INTERVALS.format(SEEDS if n_seeds > 1 else "")
    return [split_sentence(profile), *told, *figures, intervals, *verdicts, fits, TRAINING]


def _protocol(protocol: Protocol, several_items: bool) -> str:
    held_out = "a user's held-out items are" if several_items else "the held-out item is"
    if protocol.negatives is None:
        return FULL.format(held_out)
    if protocol.corrected:
        return CORRECTED.format(protocol.name)
    negatives = counted(protocol.negatives, "item")
    return (
        f"{protocol.name}: {held_out} ranked among {negatives} drawn once, without "
        "replacement, from those the user has not seen; all models rank the same lists."
    )


def _metrics(k: int) -> str:
    return (
        f"HR@{k}, the hit ratio, is the share of users whose held-out item is at rank {k} or "
        f"better; of one held-out item, recall is the same. NDCG@{k} is its mean discount, "
        f"{_discounts(k)}, 0 beyond. MRR@{k} is the mean of 1/rank, 0 beyond {k}. AUC is the share "
        "of the other items that are ranked below."
    )


def _more_metrics(k: int) -> str:
    return (
        "Of several held-out items of a user, HR and MRR look at the first that is found, NDCG "
        "adds up the discounts of all and divides by what the best list would have, and AUC is the "
        f"mean over them. Recall@{k} is the share of them at rank {k} or better, precision@{k} "
        f"their share of the {k} places, and MAP@{k} the mean of the precision at each one's rank, "
        f"0 beyond {k}, over as many as {k} places can hold."
    )


def explained(k: int) -> str:
    """Return in a sentence each what the two main figures say of a list of k items."""
    return (
        f"HR@{k}: the share of users of whom a held-out item is among the first {k} that a model "
        f"would show. NDCG@{k} also counts how far up: 1 for the first place, less for each "
        f"further one, {rank_gains.ndcg_gains(k)[-1]:.2f} for place {k}."
    )


def _discounts(k: int) -> str:
    """Return the discounts of the first two ranks and of the last that counts, each once."""
    gains, later = rank_gains.ndcg_gains(k), sorted({2, k}) if k > 1 else []
    return ", ".join(["1 at rank 1", *(f"{gains[r - 1]:.3f} at rank {r}" for r in later)])
