"""All that a report says, as plain data. `scores` and `record` compute from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MODEL_NAMES = {
    "neumf": "NeuMF",
    "gmf": "GMF",
    "mlp": "MLP",
    "ials": "iALS",
    "ease": "EASE",
    "itemknn": "ItemKNN",
    "popularity": "Popularity",
    "random": "Random",
}


@dataclass(frozen=True)
class MetricRow:
    """One figure of one model: a row of the table `metrics`."""

    model: str
    protocol: str
    segment: str
    metric: str
    k: int
    value: float
    ci_low: float
    ci_high: float
    n_users: int


@dataclass(frozen=True)
class HistoryRow:
    """One epoch of one network: a row of `training_history`; epoch 0 is before training."""

    model: str
    epoch: int
    loss: float | None
    validation_hr_at_10: float | None
    validation_ndcg_at_10: float | None
    seconds: float
    examples_per_second: float | None


@dataclass(frozen=True)
class Facts:
    """Everything that the report of one dataset is made from.

    `counts` are rows per table, by the table's name, and `duplicates`; a missing one is not shown.
    `configuration` holds, per asset, the run configuration that changes results.
    `synthetic` marks generated data, which the report says before anything else.
    """

    dataset: str
    title: str
    metrics: Sequence[MetricRow]
    history: Sequence[HistoryRow]
    counts: Mapping[str, int]
    configuration: Mapping[str, Mapping[str, object]]
    versions: Mapping[str, str]
    hashes: Mapping[str, str]
    synthetic: bool


def model_name(model: str) -> str:
    """Return the name that people know a model by; an unknown one keeps its own."""
    return MODEL_NAMES.get(model, model)
