"""The report as one JSON object: the same sentences, and the figures unrounded.

All other figures are in the table `metrics`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ncf_assets.ncf.evaluation import Metric
from ncf_assets.ncf.report.facts import Facts
from ncf_assets.ncf.report.protocol import headline_k
from ncf_assets.ncf.report.scores import EVERYONE
from ncf_assets.ncf.report.segment_plot import METRIC
from ncf_assets.ncf.report.verdicts import View


def document(
    facts: Facts, sentences: dict[str, list[str]], views: Sequence[View]
) -> dict[str, Any]:
    """Return what the report says for a program to read; `sentences` by the section they are in."""
    k = headline_k(row.k for row in facts.metrics)
    return {
        "dataset": facts.dataset,
        "title": facts.title,
        "synthetic": facts.synthetic,
        **sentences,
        "verdicts": {
            f"{view.label} {view.protocol.name}": {name: view.verdict(name) for name in view.rows}
            for view in views
        },
        "metrics": [asdict(row) for row in facts.metrics if _shown(row, k)],
        "comparisons": [asdict(row) for row in facts.comparisons],
        "diversity": [asdict(row) for row in facts.diversity],
        "training": [asdict(row) for row in facts.history],
        "data": dict(facts.profile),
        "skipped": dict(facts.skipped),
        "configuration": {name: dict(settings) for name, settings in facts.configuration.items()},
        "versions": dict(facts.versions),
        "source_sha256": facts.source_sha256,
        "origins": {name: asdict(origin) for name, origin in facts.origins.items()},
    }


def _shown(row: Metric, k: int) -> bool:
    """Whether a figure is of all users, or of a part that is drawn."""
    return row.segment == EVERYONE or (row.metric, row.k) == (METRIC, k)
