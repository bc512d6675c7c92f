"""Tabulate the verdict on each model: how large the difference is first, then whether it is one.

The verdicts are decided in `ncf.evaluation.summary`, and said in one sentence in `findings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ncf_assets.ncf.evaluation.summary import Verdict
from ncf_assets.report.comparisons import View, interval, signed
from ncf_assets.report.data import join_names, model_name
from ncf_assets.report.scores import Scores
from ncf_assets.report.text_table import MISSING


@dataclass(frozen=True)
class VerdictRow:
    """The verdict on one model by the first view, and where the other views differ.

    `relative` is the difference in percent of that model's figure. `detectable` is the smallest
    difference that so many users would have shown, where none was found, and `because` says what
    made the interval wide.
    """

    model: str
    difference: str
    relative: str
    interval: str
    verdict: Verdict
    because: str
    detectable: str
    elsewhere: str


def verdict_rows(views: Sequence[View], scores: Sequence[Scores]) -> list[VerdictRow]:
    """Return a row for each model that NeuMF is compared with, the hardest to beat first."""
    if not views:
        return []
    first, *others = views
    (own,) = [one for one in scores if one.protocol == first.protocol]
    return [
        _row(first, others, own, baseline)
        for baseline in sorted(first.rows, key=lambda name: first.rows[name].difference)
    ]


def _row(view: View, others: Sequence[View], scores: Scores, baseline: str) -> VerdictRow:
    row, found = view.rows[baseline], view.verdict(baseline) or "undecided"
    level = scores.get(baseline, view.metric)
    known = level is not None and level.value > 0
    undecided = found == "undecided" and row.detectable is not None
    return VerdictRow(
        model=model_name(baseline),
        difference=signed(row.difference),
        relative=_percent(row.difference / level.value) if known and level else MISSING,
        interval=interval(row),
        verdict=found,
        because=_because(row.seed_share) if found == "undecided" else "",
        detectable=f"{row.detectable:.4f}" if undecided else "",
        elsewhere=_elsewhere(found, others, baseline),
    )


def _because(seed_share: float | None) -> str:
    """Return which part of the variance is the larger one; few users have no interval."""
    return ": seeds differ" if (seed_share or 0) > 0.5 else ": too few users"


def _percent(share: float) -> str:
    return f"{100 * share:+,.0f} %".replace("-", "−").replace("+0 %", "0 %").replace("−0 %", "0 %")  # noqa: RUF001


def _elsewhere(found: Verdict, others: Sequence[View], baseline: str) -> str:
    """Return what the other views say, or that they say the same."""
    differing: dict[Verdict, list[str]] = {}
    for view in others:
        other = view.verdict(baseline)
        if other is not None and other != found:
            differing.setdefault(other, []).append(f"{view.label} {view.protocol.name}")
    if not differing:
        return "the same"
    return "; ".join(f"{v} by {join_names(names)}" for v, names in differing.items())
