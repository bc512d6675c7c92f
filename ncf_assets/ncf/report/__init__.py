"""The evaluation report: facts in, Markdown and one self-contained HTML page out.

`facts` is what goes in and `protocol` how its figures were made; `scores` and `record` turn them
into rows of text, `findings` and `method` into sentences, `plots` into curves; the templates only
arrange. Reading tables and writing files is the assets' work.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ncf_assets.ncf.report.facts import Facts, HistoryRow, MetricRow
from ncf_assets.ncf.report.findings import findings
from ncf_assets.ncf.report.method import SYNTHETIC, caveats, method
from ncf_assets.ncf.report.plots import training_curve_png, training_curve_svg
from ncf_assets.ncf.report.record import count_table, epoch_table
from ncf_assets.ncf.report.scores import read_scores, score_table, tie_table

__all__ = [
    "Facts",
    "HistoryRow",
    "MetricRow",
    "Report",
    "markdown_text",
    "render",
    "training_curve_png",
]

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
MARKS = re.compile(r"[\\`*|~\[\]]|(?<![^\W_])_|_(?![^\W_])")  # `_` inside a word marks nothing


@dataclass(frozen=True)
class Report:
    """The same report twice; equal facts give equal text."""

    markdown: str
    html: str


def render(facts: Facts) -> Report:
    """Return the report of one dataset. Figures that are missing are left out or said to be."""
    content = _content(facts)
    html = _environment(markdown=False).get_template("report.html.j2")
    markdown = _environment(markdown=True).get_template("report.md.j2")
    return Report(
        markdown=markdown.render(content),
        html=html.render(content, curves=training_curve_svg(facts.history)),
    )


def _content(facts: Facts) -> dict[str, Any]:
    scores = read_scores(facts.metrics)
    return {
        "facts": facts,
        "synthetic_note": SYNTHETIC,
        "findings": findings(scores),
        "labels": list(scores.labels.values()),
        "scores": score_table(scores),
        "ties": tie_table(scores),
        "epochs": epoch_table(facts.history),
        "counts": count_table(facts.counts),
        "method": method(scores.protocol),
        "caveats": caveats(facts.synthetic),
    }


@cache
def _environment(*, markdown: bool) -> Environment:
    """Return the templates' environment; every value is escaped, none has to ask for it."""
    return Environment(
        loader=PackageLoader(__name__),
        autoescape=not markdown,  # noqa: S701  # Markdown is no HTML: finalize escapes it
        finalize=markdown_text if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def markdown_text(value: object) -> str:
    """Return a value as one line of Markdown text that can neither mark up nor end a table cell."""
    line = " ".join(str(value).split())
    marked = MARKS.sub(lambda match: "\\" + match[0], line)
    return re.sub("[&<>]", lambda match: ENTITIES[match[0]], marked)
