"""Say in words whether NeuMF beats each other model.

The verdicts are decided in `ncf.evaluation.summary`, and the figures formatted in `scores`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ncf_assets.ncf.evaluation.summary import Verdict
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.report.comparisons import View
from ncf_assets.report.data import HistoryRow, ReportData, join_names, model_name
from ncf_assets.report.epochs import by_model, chosen_epoch
from ncf_assets.report.held_out import held_out_items, new_users
from ncf_assets.report.protocol import counted
from ncf_assets.report.scores import Scores, interval, models_of
from ncf_assets.report.seeds import n_seeds

VERBS: dict[Verdict, str] = {  # in the order of the first sentence, which has bad news first
    "worse": "loses to",
    "undecided": "cannot be told apart from",
    "equal": "does as well as",
    "better": "beats",
}


def findings(data: ReportData, scores: Sequence[Scores], views: Sequence[View]) -> list[str]:
    """Return the sentences of the first paragraph; the first is the verdict on each baseline."""
    if not scores:
        return ["No model has been evaluated."]
    return [
        first_sentence(views, synthetic=data.synthetic),
        *_training(by_model(data.history).get(EVALUATED_MODEL, []), n_seeds(data.metrics)),
        *_figures(scores[0], data.profile),
        *new_users(data.profile),
    ]


def first_sentence(views: Sequence[View], *, synthetic: bool) -> str:
    """Return whether NeuMF beats each baseline, by the first view.

    The sentence begins with the remark that data is synthetic, if it is.
    """
    opening = "On synthetic data, NeuMF" if synthetic else "NeuMF"
    if not views:
        return f"{opening} has not been compared with any other model."
    view = views[0]
    return (
        f"{opening} {_verdicts(view)} ({view.label} {view.protocol.among}, 95 % intervals that"
        " hold together)."
    )


def _training(epochs: Sequence[HistoryRow], n_seeds: int) -> list[str]:
    """Return whether NeuMF is more than what it starts from, iALS, by the epoch that was kept.

    The epochs are those of the first seed.
    """
    chosen = chosen_epoch(epochs)
    if chosen is None or epochs[0].epoch or epochs[0].validation_ndcg_at_10 is None:
        return []
    which = " with its first seed" if n_seeds > 1 else ""
    if chosen.epoch == 0:
        return [f"It is iALS by another name here{which}: no epoch of its training was better."]
    start, reached = epochs[0].validation_ndcg_at_10, chosen.validation_ndcg_at_10
    return [
        f"Its training improved on its start, iALS{which}: NDCG@10 on validation rose from"
        f" {start:.4f} to {reached:.4f} by epoch {chosen.epoch}."
    ]


def _verdicts(view: View) -> str:
    """Return the verdicts of a view in words."""
    groups = {found: view.baselines(found) for found in VERBS}
    clauses = [f"{VERBS[found]} {_names(group)}" for found, group in groups.items() if group]
    *most, last = clauses
    return f"{', '.join(most)}, and {last}" if most else last


def _names(models: Sequence[str]) -> str:
    return join_names(map(model_name, models))


def _figures(scores: Scores, profile: Mapping[str, Any]) -> list[str]:
    """Return NeuMF's NDCG, the best model's, and the number of users they are means over."""
    subject, best = scores.get(EVALUATED_MODEL, "ndcg"), models_of(scores)[0]
    if subject is None:
        return ["There are no figures for NeuMF."]
    shown, label = scores.protocol.shown, scores.labels["ndcg"]
    seeds = "" if subject.n_seeds == 1 else f"{subject.n_seeds} seeds and "
    within = "" if subject.ci_low is None else f" ({interval(subject, scores.protocol)})"
    sentence = (
        f"Its {label} {scores.protocol.among} is {shown(subject.value)}{within}, the mean over"
        f" {seeds}{counted(subject.n_users, 'test user')} {held_out_items(profile)}"
    )
    highest = scores.get(best, "ndcg")
    if best == EVALUATED_MODEL or highest is None or shown(highest.value) == shown(subject.value):
        return [f"{sentence}; no other model's is higher."]
    return [f"{sentence}; the highest is {model_name(best)}'s, {shown(highest.value)}."]
