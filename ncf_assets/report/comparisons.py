"""Decide from the paired differences whether NeuMF beats each baseline.

The sentences are in `findings`, and the differences are computed in `ncf.evaluation.summary`. They
are rounded to the printed decimals before any verdict, so that a reader who checks a verdict
against its interval finds it right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ncf_assets.ncf.evaluation.summary import Comparison
from ncf_assets.report.data import model_name
from ncf_assets.report.protocol import Protocol, headline_k, label, protocols_of

Verdict = Literal["loses", "level", "beats"]
DECIMALS = 4
WORDS: dict[Verdict, str] = {"loses": "worse", "level": "undecided", "beats": "better"}
METRICS = ("ndcg", "hr")  # the first decides, as it also depends on the rank within the list


@dataclass(frozen=True)
class View:
    """One comparison of all models: a protocol and a metric, with a row for each baseline."""

    protocol: Protocol
    metric: str
    k: int
    rows: dict[str, Comparison]

    @property
    def label(self) -> str:
        """A label such as `NDCG@10`."""
        return label(self.metric, self.k)

    def verdict(self, baseline: str) -> Verdict | None:
        """Return the verdict of the interval; None for a baseline that was not compared."""
        row = self.rows.get(baseline)
        return verdict(row) if row else None

    def baselines(self, wanted: Verdict) -> list[str]:
        """Return the baselines with this verdict, those that NeuMF does worst against first."""
        found = [row for row in self.rows.values() if verdict(row) == wanted]
        return [row.baseline for row in sorted(found, key=lambda row: row.difference)]


def verdict(row: Comparison) -> Verdict:
    """Return whether a paired 95 % interval lies above 0, below 0, or around it."""
    if row.ci_low > 0:
        return "beats"
    return "loses" if row.ci_high < 0 else "level"


def views(rows: Sequence[Comparison]) -> list[View]:
    """Return the views that have rows: the full ranking first, NDCG before HR."""
    rows = [_rounded(row) for row in rows if row.metric in METRICS]
    k = headline_k(row.k for row in rows)
    every = [
        View(protocol, metric, k, _of(rows, protocol, metric, k))
        for protocol in protocols_of(row.protocol for row in rows)
        if not protocol.corrected
        for metric in METRICS
    ]
    return [view for view in every if view.rows]


def _of(
    rows: Sequence[Comparison], protocol: Protocol, metric: str, k: int
) -> dict[str, Comparison]:
    wanted = (protocol.name, metric, k)
    return {row.baseline: row for row in rows if (row.protocol, row.metric, row.k) == wanted}


def _rounded(row: Comparison) -> Comparison:
    # + 0.0: a difference that rounds to -0.0 has no sign
    names = ("difference", "ci_low", "ci_high")
    return replace(row, **{name: round(getattr(row, name), DECIMALS) + 0.0 for name in names})


@dataclass(frozen=True)
class Cell:
    """One paired difference as text; `low`, `middle`, `high` are percent of the bar's width."""

    difference: str
    interval: str
    words: str
    verdict: Verdict
    low: float
    middle: float
    high: float


def verdict_table(shown: Sequence[View]) -> list[tuple[str, list[Cell | None]]]:
    """Return per baseline its name and a cell for each view, the hardest to beat first."""
    order = list(dict.fromkeys(name for view in shown for name in _hardest_first(view)))
    return [(model_name(name), [_cell(view, name) for view in shown]) for name in order]


def _hardest_first(view: View) -> list[str]:
    return sorted(view.rows, key=lambda name: view.rows[name].difference)


def _cell(view: View, baseline: str) -> Cell | None:
    row = view.rows.get(baseline)
    if row is None:
        return None
    ends = [abs(end) for one in view.rows.values() for end in (one.ci_low, one.ci_high)]
    widest = max(ends) or 1.0  # differences that are all zero keep a scale
    low, middle, high = (
        round(50 + 50 * end / widest, 1) for end in (row.ci_low, row.difference, row.ci_high)
    )
    interval = f"{signed(row.ci_low)} to {signed(row.ci_high)}"
    found = verdict(row)
    return Cell(signed(row.difference), interval, WORDS[found], found, low, middle, high)


def signed(difference: float) -> str:
    """Return a difference as it is printed, with a real minus: `+0.0210`, `−0.0030`."""  # noqa: RUF002
    return f"{difference:+.{DECIMALS}f}".replace("-", "−")  # noqa: RUF001
