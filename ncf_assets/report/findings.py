"""Say in words whether NeuMF beats each other model.

The verdicts are decided in `comparisons`, and the figures formatted in `scores`.
"""

from collections.abc import Mapping, Sequence

from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.report.comparisons import Verdict, View
from ncf_assets.report.data import ReportData, join_names, model_name
from ncf_assets.report.epochs import by_model, chosen_epoch
from ncf_assets.report.protocol import counted
from ncf_assets.report.scores import Scores, models_of

VERBS: dict[Verdict, str] = {  # in the order of the first sentence, which has bad news first
    "loses": "loses to",
    "level": "cannot be told apart from",
    "beats": "beats",
}


def findings(data: ReportData, scores: Sequence[Scores], views: Sequence[View]) -> list[str]:
    """Return the sentences of the first paragraph; the first is the verdict on each baseline."""
    if not scores:
        return ["No model has been evaluated."]
    return [
        first_sentence(views, synthetic=data.synthetic, untrained=_is_untrained(data)),
        *_agreement(views),
        *_figures(scores[0]),
        *_skipped(data.skipped),
    ]


def first_sentence(views: Sequence[View], *, synthetic: bool, untrained: bool = False) -> str:
    """Return whether NeuMF beats each baseline, by the first view.

    The sentence begins with the remark that data is synthetic, if it is. If no epoch of training
    was better than none, it says that NeuMF is what it starts from.
    """
    opening = "On synthetic data, NeuMF" if synthetic else "NeuMF"
    if untrained:
        opening += " is iALS here, as no epoch of its training was better on validation; it"
    if not views:
        return f"{opening} has not been compared with any other model."
    view = views[0]
    return (
        f"{opening} {_verdicts(view)} ({view.label} {view.protocol.among}, paired 95 % intervals)."
    )


def _is_untrained(data: ReportData) -> bool:
    """Return whether the epoch that was kept is the one before training."""
    chosen = chosen_epoch(by_model(data.history).get(EVALUATED_MODEL, []))
    return chosen is not None and chosen.epoch == 0


def _verdicts(view: View, baselines: Sequence[str] | None = None) -> str:
    """Return the verdict on these baselines in words; None stands for all of the view."""
    wanted = view.rows if baselines is None else baselines
    groups = {found: [b for b in view.baselines(found) if b in wanted] for found in VERBS}
    clauses = [f"{VERBS[found]} {_names(group)}" for found, group in groups.items() if group]
    *most, last = clauses
    return f"{', '.join(most)}, and {last}" if most else last


def _names(models: Sequence[str]) -> str:
    return join_names(map(model_name, models))


def _agreement(views: Sequence[View]) -> list[str]:
    """Return where another metric or protocol has other verdicts, or that none has."""
    if len(views) < 2:
        return []
    first, *others = views
    seen: dict[str, list[str]] = {}  # differing verdicts -> the views that have them
    for view in others:
        if unlike := [b for b in view.rows if view.verdict(b) != first.verdict(b)]:
            name = f"{view.label} {view.protocol.among}"
            seen.setdefault(_verdicts(view, unlike), []).append(name)
    sentences = [f"By {join_names(names)}, it {differing}." for differing, names in seen.items()]
    same = [
        view.label if view.protocol == first.protocol else view.protocol.among for view in others
    ]
    return sentences or [f"The verdicts by {join_names(dict.fromkeys(same))} are the same."]


def _figures(scores: Scores) -> list[str]:
    """Return NeuMF's NDCG, the best model's, and the number of users they are means over."""
    subject, best = scores.get(EVALUATED_MODEL, "ndcg"), models_of(scores)[0]
    if subject is None:
        return ["There are no figures for NeuMF."]
    shown, label = scores.protocol.shown, scores.labels["ndcg"]
    sentence = (
        f"Its {label} {scores.protocol.among} is {shown(subject.value)}"
        f" ({shown(subject.ci_low)} to {shown(subject.ci_high)}), the mean over"
        f" {counted(subject.n_users, 'test user')} with one held-out item each"
    )
    highest = scores.get(best, "ndcg")
    if best == EVALUATED_MODEL or highest is None or shown(highest.value) == shown(subject.value):
        return [f"{sentence}; no other model's is higher."]
    return [f"{sentence}; the highest is {model_name(best)}'s, {shown(highest.value)}."]


def _skipped(skipped: Mapping[str, str]) -> list[str]:
    return [f"Not compared: {model_name(model)} ({reason})." for model, reason in skipped.items()]
