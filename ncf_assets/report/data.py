"""Define the plain data that a report is made from, and the names that people read.

The other modules of `ncf_assets.report` compute tables, sentences and drawings from the data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ncf_assets.ncf.evaluation.summary import Comparison, Metric, SeedMetric

MODEL_NAMES = {
    "random": "Random",
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
    "bm25": "BM25",
    "rp3beta": "RP3beta",
    "ease": "EASE",
    "slist": "SLIST",
    "ials": "iALS",
    "gmf": "GMF",
    "mlp": "MLP",
    "neumf": "NeuMF",
    "neumf_scratch": "NeuMF from scratch",
    "blend": "Blend",
}


@dataclass(frozen=True)
class DiversityRow:
    """One figure on a model's recommendations to all users: a row of the table `diversity`."""

    model: str
    metric: str
    k: int
    value: float


@dataclass(frozen=True)
class FilterRow:
    """What one filter takes away of what the ones before it leave: a row of the table `filters`."""

    position: int
    filter: str
    pairs: int
    users: int
    items: int


@dataclass(frozen=True)
class HistoryRow:
    """One epoch of one network, from its record; epoch 0 is before training."""

    model: str
    fit: str
    epoch: int
    loss: float | None
    validation_hr_at_10: float | None
    validation_ndcg_at_10: float | None
    seconds: float
    examples_per_second: float | None


@dataclass(frozen=True)
class Choice:
    """What was chosen for a model on validation: a value of each setting that was searched.

    `space` has the values that could be chosen, ascending; `n_tried` counts what was validated.
    """

    model: str
    chosen: Mapping[str, Any]
    space: Mapping[str, Sequence[Any]]
    n_tried: int
    at_edge: Sequence[str]


@dataclass(frozen=True)
class ExampleItem:
    """An item of an example; `day` is when the user had it, or '' in a list."""

    item: str
    title: str | None
    day: str = ""


@dataclass(frozen=True)
class Example:
    """A test user: all items in order, which of them were held out, and each model's list."""

    user: str
    history: Sequence[ExampleItem]
    held_out: Sequence[str]
    lists: Mapping[str, Sequence[ExampleItem]]


@dataclass(frozen=True)
class Outside:
    """Where an outside model's scores come from: a file, its SHA-256, its column and its rows."""

    file: str
    sha256: str
    column: str
    rows: int


@dataclass(frozen=True)
class Made:
    """When a report was made, in UTC, by which run, how long that took, and by which version."""

    at: datetime
    run_id: str
    seconds: float
    version: str


@dataclass(frozen=True)
class Origin:
    """The origin of a table or model: hashes of its content and of the code that made it."""

    content: str
    code: str


@dataclass(frozen=True)
class ReportData:
    """Everything that the report of one dataset is made from.

    `choices` say what was chosen for each model, and `examples` are some users. `profile` is the
    row of the table `data_profile`, and `filters` has the filters that are set.
    `configuration` holds, per asset, the run configuration that changes results; `origins` holds
    the origin of each table or model. `outside` has the file of each model from outside.
    `synthetic` marks generated data, which the report mentions before anything else. `made` is in
    the texts alone, so that equal figures give equal JSON.
    """

    dataset: str
    title: str
    synthetic: bool
    metrics: Sequence[Metric] = ()
    comparisons: Sequence[Comparison] = ()
    seed_metrics: Sequence[SeedMetric] = ()
    diversity: Sequence[DiversityRow] = ()
    history: Sequence[HistoryRow] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    filters: Sequence[FilterRow] = ()
    configuration: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    source_sha256: str | None = None
    outside: Mapping[str, Outside] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    examples: Sequence[Example] = ()
    made: Made | None = None


def model_name(model: str) -> str:
    """Return the name that people know a model by; one that is not ours is from outside."""
    return MODEL_NAMES.get(model, f"{model} (outside)")


def join_names(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: `A`, `A and B`, `A, B and C`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
