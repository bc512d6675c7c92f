"""Figures and facts drawn by hand for the tests of the report."""

from ncf_assets.ncf.report import Facts, HistoryRow, MetricRow
from ncf_assets.ncf.report.protocol import Protocol

HALF_WIDTH = 0.01  # of every interval below
PAPER = Protocol(99, 10)  # He et al. 2017, sec. 4.1
SHORT = Protocol(50, 5)  # another configuration: 51 candidates, the first five count


def metric(model: str, name: str, value: float, protocol: Protocol = PAPER) -> MetricRow:
    """Return one figure with an interval of 0.01 to either side."""
    low, high = value - HALF_WIDTH, value + HALF_WIDTH
    return MetricRow(model, protocol.name, "all", name, protocol.k, value, low, high, 1_234)


def model(name: str, hr: float, ndcg: float, protocol: Protocol = PAPER) -> list[MetricRow]:
    """Return a model's six figures; ties are worth 0.005 of HR and nothing of NDCG."""
    values = {
        "hr": hr,
        "hr_optimistic": hr + 0.005,
        "hr_pessimistic": hr - 0.005,
        **dict.fromkeys(("ndcg", "ndcg_optimistic", "ndcg_pessimistic"), ndcg),
    }
    return [metric(name, of, value, protocol) for of, value in values.items()]


POPULARITY = model("popularity", 0.25, 0.13)
HISTORY = [
    HistoryRow("gmf", 0, None, 0.1, 0.045, 0.5, None),  # before training: no loss, no speed
    HistoryRow("gmf", 1, 0.5, 0.3, 0.2, 2.0, 1_000.0),
    HistoryRow("gmf", 2, 0.4, 0.4, 0.25, 2.0, 1_500.4),  # the highest NDCG: chosen
    HistoryRow("gmf", 3, 0.3, 0.41, 0.24, 2.0, 1_500.0),  # a higher HR does not count
    HistoryRow("neumf", 0, 0.3, 0.42, 0.26, 1.0, None),  # the best is the last: one row
]
FACTS = Facts(
    dataset="Sample",
    title="A small sample",
    metrics=[*model("neumf", 0.46, 0.29), *POPULARITY],
    history=HISTORY,
    counts={"users": 1_000, "items": 50, "interactions": 12_345},
    configuration={"neumf_model": {"factors": 8, "tower": [64, 32]}},
    versions={"keras": "3.15.1"},
    hashes={"train": "ab12cd"},
    synthetic=False,
)
