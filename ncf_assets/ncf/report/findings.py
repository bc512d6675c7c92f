"""What was found, in words: whether NeuMF beats each other model. The figures are in `scores`."""

from dataclasses import dataclass
from itertools import groupby

from ncf_assets.ncf.report.facts import MetricRow, model_name
from ncf_assets.ncf.report.protocol import Protocol
from ncf_assets.ncf.report.scores import Scores, counted, decimals, models_of

SUBJECT, FIRST_OPPONENT = "neumf", "popularity"
OVERLAP = ", but the 95 % intervals overlap"
WORDING = {  # verdict -> (verb before the opponent's name, what follows the figures)
    "beats": ("beats", ""),
    "ahead": ("is ahead of", OVERLAP),
    "level": ("is level with", ""),
    "behind": ("is behind", OVERLAP),
    "loses": ("loses to", ""),
}


@dataclass(frozen=True)
class Comparison:
    """NeuMF's figure beside another model's, both rounded as shown."""

    label: str
    ours: MetricRow
    theirs: MetricRow

    @property
    def verdict(self) -> str:
        """Name the outcome, a key of `WORDING`; beating takes intervals that do not meet."""
        if self.ours.value == self.theirs.value:
            return "level"
        if self.ours.value > self.theirs.value:
            return "beats" if self.ours.ci_low > self.theirs.ci_high else "ahead"
        return "loses" if self.ours.ci_high < self.theirs.ci_low else "behind"

    def amount(self, figures: bool) -> str:
        """Say by how much, with both figures if asked."""
        ours, theirs = self.ours.value, self.theirs.value
        gap = f" by {decimals(abs(ours - theirs))}" if ours != theirs else ""
        both = f" ({decimals(ours)} against {decimals(theirs)})" if figures else ""
        return f"on {self.label}{gap}{both}"


def findings(scores: Scores) -> list[str]:
    """Return the sentences of the first paragraph; the first is the verdict on NeuMF.

    Only that NeuMF is no better than guessing comes before.
    """
    if scores.protocol is None:
        return ["No model has been evaluated."]
    n_users = max(row.n_users for row in scores.rows.values())
    meaning = _meaning(scores.protocol, n_users)
    return [*_below_chance(scores, scores.protocol), _verdict(scores), *meaning]


def _below_chance(scores: Scores, protocol: Protocol) -> list[str]:
    """Say first of all if NeuMF has learnt nothing, whatever it is ahead of."""
    ours, (chance, _) = scores.get(SUBJECT, "hr"), protocol.chance()
    if ours is None or ours.value > chance:
        return []
    label = protocol.labels["hr"]
    return [
        f"NeuMF is no better than guessing: {label} {decimals(ours.value)}, where guessing would "
        f"reach {decimals(chance)}."
    ]


def _verdict(scores: Scores) -> str:
    if not any(scores.get(SUBJECT, metric) for metric in scores.labels):
        return "There are no figures for NeuMF, so the other models stand alone."
    clauses = _clauses(scores)
    return f"NeuMF {'; it '.join(clauses)}." if clauses else _alone(scores)


def _alone(scores: Scores) -> str:
    found = [(label, scores.get(SUBJECT, metric)) for metric, label in scores.labels.items()]
    figures = " and ".join(f"{label} {decimals(row.value)}" for label, row in found if row)
    return f"NeuMF reaches {figures}, and there is no other model to compare it with."


def _clauses(scores: Scores) -> list[str]:
    """Say one clause per opponent; the first alone gives NeuMF's figures, which hold for all."""
    opponents = [model for model in models_of(scores) if model != SUBJECT]
    opponents.sort(key=lambda model: model != FIRST_OPPONENT)  # stable: the others stay best first
    pairs = [(model_name(model), _compare(scores, model)) for model in opponents]
    known = [(name, compared) for name, compared in pairs if compared]
    return [_clause(name, compared, i == 0) for i, (name, compared) in enumerate(known)]


def _compare(scores: Scores, model: str) -> list[Comparison]:
    pairs = (
        (label, scores.get(SUBJECT, metric), scores.get(model, metric))
        for metric, label in scores.labels.items()
    )
    return [Comparison(label, ours, theirs) for label, ours, theirs in pairs if ours and theirs]


def _clause(name: str, compared: list[Comparison], figures: bool) -> str:
    parts: list[str] = []
    for verdict, members in groupby(compared, key=lambda comparison: comparison.verdict):
        verb, tail = WORDING[verdict]
        amounts = " and ".join(comparison.amount(figures) for comparison in members)
        parts.append(f"{verb} {'it' if parts else name} {amounts}{tail}")
    return ", and ".join(parts)


def _meaning(protocol: Protocol, n_users: int) -> list[str]:
    (hr, ndcg), label = protocol.chance(), protocol.labels
    return [
        f"Each figure is the mean over {counted(n_users, 'test user')}; for each, the one item "
        f"held out for testing is ranked among {counted(protocol.negatives, 'random item')} that "
        f"the user has not seen ({protocol.name}).",
        f"Guessing would reach {label['hr']} {decimals(hr)} and {label['ndcg']} {decimals(ndcg)}.",
    ]
