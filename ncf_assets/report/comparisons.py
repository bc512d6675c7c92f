"""Tabulate NeuMF's paired differences to each baseline, by protocol and metric.

The differences are computed, and the verdicts decided, in `ncf.evaluation.summary`. The sentences
are in `findings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.ncf.evaluation.summary import DECIMALS, Comparison, Verdict
from ncf_assets.report.data import model_name
from ncf_assets.report.protocol import Protocol, label, protocols_of
from ncf_assets.report.text_table import MISSING

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
        return row.verdict if row else None

    def baselines(self, wanted: Verdict) -> list[str]:
        """Return the baselines with this verdict, those that NeuMF does worst against first."""
        found = [row for row in self.rows.values() if row.verdict == wanted]
        return [row.baseline for row in sorted(found, key=lambda row: row.difference)]


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
    names = ("difference", "ci_low", "ci_high", "detectable", "margin")
    known = {name: value for name in names if (value := getattr(row, name)) is not None}
    # + 0.0: a difference that rounds to -0.0 has no sign
    return replace(row, **{name: round(value, DECIMALS) + 0.0 for name, value in known.items()})


@dataclass(frozen=True)
class Cell:
    """One paired difference as text; `low`, `middle`, `high` are percent of the bar's width.

    `beyond` says that the bar ends before the difference does.
    """

    difference: str
    interval: str
    verdict: Verdict
    low: float
    middle: float
    high: float
    beyond: bool


def difference_table(shown: Sequence[View]) -> list[tuple[str, list[Cell | None]]]:
    """Return per baseline its name and a cell for each view, the hardest to beat first."""
    order = list(dict.fromkeys(name for view in shown for name in _hardest_first(view)))
    scales = [_scale(view) for view in shown]
    return [
        (model_name(name), [_cell(*of, name) for of in zip(shown, scales, strict=True)])
        for name in order
    ]


def _hardest_first(view: View) -> list[str]:
    return sorted(view.rows, key=lambda name: view.rows[name].difference)


def _scale(view: View) -> float:
    """Return the difference at which bars end: where the nearer half of the models fits in."""
    widest = sorted(max(map(abs, _ends(row))) for row in view.rows.values())
    return widest[(len(widest) - 1) // 2] or widest[-1] or 1.0  # differences of 0 keep a scale


def _ends(row: Comparison) -> tuple[float, float, float]:
    low = row.difference if row.ci_low is None else row.ci_low
    return low, row.difference, row.difference if row.ci_high is None else row.ci_high


def _cell(view: View, scale: float, baseline: str) -> Cell | None:
    row = view.rows.get(baseline)
    if row is None:
        return None
    places = [50 + 50 * end / scale for end in _ends(row)]
    low, middle, high = (round(min(max(place, 0.0), 100.0), 1) for place in places)
    beyond = not 0 <= places[1] <= 100
    return Cell(signed(row.difference), interval(row), row.verdict, low, middle, high, beyond)


def interval(row: Comparison) -> str:
    """Return the interval of a difference as it is printed."""
    if row.ci_low is None or row.ci_high is None:
        return MISSING
    return f"{signed(row.ci_low)} to {signed(row.ci_high)}"


def signed(difference: float) -> str:
    """Return a difference as it is printed, with a real minus: `+0.0210`, `−0.0030`."""  # noqa: RUF002
    return f"{difference:+.{DECIMALS}f}".replace("-", "−")  # noqa: RUF001
