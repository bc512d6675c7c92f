"""Make figures and report data by hand for the tests of the report."""

from dataclasses import replace
from datetime import datetime

from ncf_assets.ncf.evaluation.summary import Comparison, Metric
from ncf_assets.report import (
    Choice,
    DiversityRow,
    Example,
    ExampleItem,
    HistoryRow,
    Made,
    Origin,
    ReportData,
)

HALF_WIDTH = 0.01  # of every interval in this file
FULL, SAMPLED, CORRECTED = "full", "sampled-99", "sampled-99-corrected"
LEVELS = {  # model -> NDCG@10 in the full ranking; the others follow from it
    "ease": 0.32,
    "neumf": 0.29,
    "blend": 0.287,
    "ials": 0.285,
    "gmf": 0.28,
    "neumf_scratch": 0.26,
    "mlp": 0.24,
    "itemknn": 0.2,
    "popularity": 0.13,
    "random": 0.02,
}
BY_HISTORY = {"history 1-2": 100, "history 3-4": 700, "history 5-9": 300, "history 10-19": 134}
BY_POPULARITY = {"cold": 34, "popularity 1-4": 200, "popularity 5-19": 600, "popularity 20-99": 400}


def metric(
    model: str, name: str, value: float, protocol: str = FULL, k: int = 10, segment: str = "all",
    n_users: int = 1_234,
) -> Metric:  # fmt: skip
    """Return one figure with an interval of 0.01 to either side."""
    low, high = value - HALF_WIDTH, value + HALF_WIDTH
    if protocol == CORRECTED:
        return Metric(model, protocol, segment, name, k, value, None, None, n_users)
    return Metric(model, protocol, segment, name, k, value, low, high, n_users)


def model(name: str, ndcg: float, protocol: str = FULL) -> list[Metric]:
    """Return a model's figures at k = 1, 5, 10, 20: HR is 0.1 above NDCG, ties cost it 0.005."""
    rows = [metric(name, "auc", min(1.0, ndcg + 0.6), protocol, k=0)]
    for k in (1, 5, 10, 20):
        own = ndcg * (1 if k == 10 else k**0.5 / 4)
        rows += [metric(name, m, own, protocol, k) for m in ("ndcg", "mrr")]
        rows += [metric(name, m, own + 0.1, protocol, k) for m in ("hr", "recall")]
        rows.append(metric(name, "hr_optimistic", own + 0.105, protocol, k))
        rows.append(metric(name, "hr_pessimistic", own + 0.095, protocol, k))
        rows += [
            metric(name, f"ndcg_{case}", own, protocol, k) for case in ("optimistic", "pessimistic")
        ]
    return rows


def segments(name: str, ndcg: float, protocol: str) -> list[Metric]:
    """Return a model's NDCG@10 by history and by popularity, rising by 0.02 a segment."""
    return [
        metric(name, "ndcg", ndcg + 0.02 * i, protocol, segment=segment, n_users=n_users)
        for segment_users in (BY_HISTORY, BY_POPULARITY)
        for i, (segment, n_users) in enumerate(segment_users.items())
    ]


def comparison(
    baseline: str, difference: float, protocol: str = FULL, name: str = "ndcg", k: int = 10
) -> Comparison:
    """Return NeuMF less a baseline with an interval of 0.01 to either side.

    A difference of 0.005 counts as none, and one of 0.0143 would be found.
    """
    low, high = difference - HALF_WIDTH, difference + HALF_WIDTH
    figures = difference, low, high, 0.0143, 0.005
    return Comparison("neumf", baseline, protocol, name, k, *figures, 1_234, 0.0)


METRICS = [
    row
    for protocol, less in ((FULL, 0.0), (SAMPLED, -0.01), (CORRECTED, 0.001))
    for name, level in LEVELS.items()
    for row in (*model(name, level - less, protocol), *segments(name, level - less, protocol))
]
COMPARISONS = [
    comparison(name, LEVELS["neumf"] - level, protocol, of, k)
    for protocol in (FULL, SAMPLED)
    for of in ("hr", "ndcg")
    for k in (5, 10)
    for name, level in LEVELS.items()
    if name != "neumf"
]
DIVERSITY = [
    DiversityRow("neumf", name, k, value)
    for k in (10, 20)
    for name, value in (("coverage", 0.4), ("gini", 0.8), ("novelty", 5.25))
]
HISTORY = [
    # before training there is no loss and no speed
    HistoryRow("gmf", "choose", 0, None, 0.1, 0.045, 0.5, None),
    HistoryRow("gmf", "choose", 1, 0.5, 0.3, 0.2, 2.0, 1_000.0),
    HistoryRow("gmf", "choose", 2, 0.4, 0.4, 0.25, 2.0, 1_500.4),  # the highest NDCG: chosen
    HistoryRow("gmf", "choose", 3, 0.3, 0.41, 0.24, 2.0, 1_500.0),  # a higher HR does not count
    *(HistoryRow("gmf", "test", epoch, 0.45, None, None, 2.5, 1_400.0) for epoch in (0, 1, 2)),
    HistoryRow("neumf", "choose", 1, 0.3, 0.42, 0.26, 1.0, 900.0),  # the best is the last: one row
]
IALS_EDGE = ["regularization"]
STRINGS = ExampleItem("B2", "<b>Strings & picks</b>")
EXAMPLE = Example(
    "A1_B",
    [ExampleItem("B1", None, "2014-05-01"), replace(STRINGS, day="2014-05-02")],
    ["B2"],
    {"ease": [STRINGS, ExampleItem("B3", "Tuner")], "neumf": [ExampleItem("B3", "Tuner")]},
)
DATA = ReportData(
    dataset="Sample",
    title="A small sample",
    synthetic=False,
    metrics=METRICS,
    comparisons=COMPARISONS,
    diversity=DIVERSITY,
    history=HISTORY,
    examples=[EXAMPLE],
    profile={
        "lines": 12_400,
        "rejected": 5,
        "users": 1_300,
        "items": 50,
        "tied_users": 0.44,
        "first_time": datetime(2013, 5, 2, 8, 30),
    },
    configuration={
        "neumf_model": {"factors": 8, "tower": [64, 32], "seed": 2017},
        "comparisons": {"margin": 0.05},
    },
    versions={"keras": "3.15.1"},
    choices=[
        Choice("ials", {"regularization": 0.1}, {"regularization": [0.05, 0.1]}, 2, IALS_EDGE),
        Choice("gmf", {"epochs": 2}, {"epochs": list(range(31))}, 4, []),
    ],
    made=Made(datetime(2026, 11, 30, 8, 5), "1a2b", 93.4, "0.1.0"),
    origins={"train": Origin("ab12cd", "ef34ab")},
    source_sha256="5d41402a",
)
# the same without what plots are of: drawing them takes most of the time of a report
UNDRAWN = replace(
    DATA, history=[], metrics=[row for row in METRICS if row.k == 10 and row.segment == "all"]
)
