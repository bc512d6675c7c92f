"""Write the report as one JSON object: the same sentences, and the figures unrounded.

Figures that the report leaves out are in the table `metrics`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ncf_assets.ncf.evaluation import segments
from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.ncf.evaluation.summary import Metric
from ncf_assets.report.comparisons import View
from ncf_assets.report.data import ReportData
from ncf_assets.report.segment_plot import METRIC


def document(
    data: ReportData, sentences: dict[str, list[str]], views: Sequence[View]
) -> dict[str, Any]:
    """Return the report for programs to read; `sentences` are by the section they are in."""
    k = headline_k(row.k for row in data.metrics)
    return {
        "dataset": data.dataset,
        "title": data.title,
        "synthetic": data.synthetic,
        **sentences,
        "verdicts": {
            f"{view.label} {view.protocol.name}": {name: view.verdict(name) for name in view.rows}
            for view in views
        },
        "metrics": [asdict(row) for row in data.metrics if _shown(row, k)],
        "comparisons": [asdict(row) for row in data.comparisons],
        "seeds": [asdict(row) for row in data.seed_metrics],
        "diversity": [asdict(row) for row in data.diversity],
        "training": [asdict(row) for row in data.history],
        "data": {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in data.profile.items()
        },
        "filters": [asdict(row) for row in data.filters],
        "outside": {name: asdict(origin) for name, origin in data.outside.items()},
        "examples": [asdict(example) for example in data.examples],
        "choices": [asdict(choice) for choice in data.choices],
        "configuration": {name: dict(settings) for name, settings in data.configuration.items()},
        "versions": dict(data.versions),
        "source_sha256": data.source_sha256,
        "origins": {name: asdict(origin) for name, origin in data.origins.items()},
    }


def _shown(row: Metric, k: int) -> bool:
    """Return whether a figure is of all users, or of a segment that is drawn."""
    return row.segment == segments.ALL or (row.metric, row.k) == (METRIC, k)
