"""All that a report says, as plain data. What is computed from it, the modules beside say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ncf_assets.ncf.evaluation import Comparison, Metric

SUBJECT = "neumf"  # the model that the report is about
MODEL_NAMES = {
    "random": "Random",
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
    "ease": "EASE",
    "ials": "iALS",
    "gmf": "GMF",
    "mlp": "MLP",
    "neumf": "NeuMF",
}


@dataclass(frozen=True)
class DiversityRow:
    """One figure on what a model recommends to all users: a row of the table `diversity`."""

    model: str
    metric: str
    k: int
    value: float


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
class Origin:
    """What a table or model holds and what made it: hashes of its content and its code."""

    content: str
    code: str


@dataclass(frozen=True)
class Facts:
    """Everything that the report of one dataset is made from.

    `profile` is the row of the table `data_profile`. `configuration` holds, per asset, the run
    configuration that changes results; `origins`, per table or model, where it comes from.
    `skipped` gives the reason for each baseline that there is none of.
    `synthetic` marks generated data, which the report says before anything else.
    """

    dataset: str
    title: str
    synthetic: bool
    metrics: Sequence[Metric] = ()
    comparisons: Sequence[Comparison] = ()
    diversity: Sequence[DiversityRow] = ()
    history: Sequence[HistoryRow] = ()
    profile: Mapping[str, float] = field(default_factory=dict)
    configuration: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    source_sha256: str | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)


def model_name(model: str) -> str:
    """Return the name that people know a model by; an unknown one keeps its own."""
    return MODEL_NAMES.get(model, model)


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: `A`, `A and B`, `A, B and C`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
