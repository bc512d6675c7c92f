"""What was found, in words: whether NeuMF beats each other model. Who does is in `verdicts`."""

from collections.abc import Mapping, Sequence

from ncf_assets.ncf.report.facts import SUBJECT, Facts, listed, model_name
from ncf_assets.ncf.report.protocol import counted
from ncf_assets.ncf.report.scores import Scores, models_of
from ncf_assets.ncf.report.verdicts import Verdict, View

VERBS: dict[Verdict, str] = {  # in the order of the first sentence: bad news first
    "loses": "loses to",
    "level": "cannot be told apart from",
    "beats": "beats",
}


def findings(facts: Facts, scores: Sequence[Scores], views: Sequence[View]) -> list[str]:
    """Return the sentences of the first paragraph; the first is the verdict on each baseline."""
    if not scores:
        return ["No model has been evaluated."]
    return [
        first_sentence(views, synthetic=facts.synthetic),
        *_agreement(views),
        *_figures(scores[0]),
        *_skipped(facts.skipped),
    ]


def first_sentence(views: Sequence[View], *, synthetic: bool) -> str:
    """Return whether NeuMF beats each baseline, by the first view; generated data is said first."""
    opening = "On synthetic data, NeuMF" if synthetic else "NeuMF"
    if not views:
        return f"{opening} has not been compared with any other model."
    view = views[0]
    return (
        f"{opening} {_verdicts(view)} ({view.label} {view.protocol.among}, paired 95 % intervals)."
    )


def _verdicts(view: View, baselines: Sequence[str] | None = None) -> str:
    """Say the verdict on these baselines, all of the view unless told otherwise."""
    wanted = view.rows if baselines is None else baselines
    groups = {found: [b for b in view.baselines(found) if b in wanted] for found in VERBS}
    clauses = [f"{VERBS[found]} {_names(group)}" for found, group in groups.items() if group]
    *most, last = clauses
    return f"{', '.join(most)}, and {last}" if most else last


def _names(models: Sequence[str]) -> str:
    return listed(map(model_name, models))


def _agreement(views: Sequence[View]) -> list[str]:
    """Say where another metric or protocol sees it otherwise, or that none does."""
    if len(views) < 2:
        return []
    first, *others = views
    seen: dict[str, list[str]] = {}  # what differs -> in which views
    for view in others:
        if unlike := [b for b in view.rows if view.verdict(b) != first.verdict(b)]:
            name = f"{view.label} {view.protocol.among}"
            seen.setdefault(_verdicts(view, unlike), []).append(name)
    sentences = [f"By {listed(names)}, it {differing}." for differing, names in seen.items()]
    same = [
        view.label if view.protocol == first.protocol else view.protocol.among for view in others
    ]
    return sentences or [f"The verdicts by {listed(dict.fromkeys(same))} are the same."]


def _figures(scores: Scores) -> list[str]:
    """Give NeuMF's NDCG, the best model's, and over how many users they are means."""
    ours, best = scores.get(SUBJECT, "ndcg"), models_of(scores)[0]
    if ours is None:
        return ["There are no figures for NeuMF."]
    shown, label = scores.protocol.shown, scores.labels["ndcg"]
    sentence = (
        f"Its {label} {scores.protocol.among} is {shown(ours.value)}"
        f" ({shown(ours.ci_low)} to {shown(ours.ci_high)}), the mean over"
        f" {counted(ours.n_users, 'test user')} with one held-out item each"
    )
    theirs = scores.get(best, "ndcg")
    if best == SUBJECT or theirs is None or shown(theirs.value) == shown(ours.value):
        return [f"{sentence}; no other model's is higher."]
    return [f"{sentence}; the highest is {model_name(best)}'s, {shown(theirs.value)}."]


def _skipped(skipped: Mapping[str, str]) -> list[str]:
    return [f"Not compared: {model_name(model)} ({reason})." for model, reason in skipped.items()]
