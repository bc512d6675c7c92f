"""The evaluation report: facts in, one self-contained HTML page, Markdown and JSON out.

`facts` is what goes in. `verdicts` is who beats whom and `findings` says it; `scores`, `epochs` and
`profile` turn figures into rows of text, `method` and `caveats` into sentences, `plots` into
drawings, `document` into JSON; the templates only arrange. Reading tables and writing files is the
assets' work.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ncf_assets.ncf.report import method, scores
from ncf_assets.ncf.report.caveats import SYNTHETIC, caveats
from ncf_assets.ncf.report.document import document
from ncf_assets.ncf.report.facts import (
    SUBJECT,
    DiversityRow,
    Facts,
    HistoryRow,
    Origin,
    model_name,
)
from ncf_assets.ncf.report.findings import findings
from ncf_assets.ncf.report.plots import Plot, plots
from ncf_assets.ncf.report.profile import profile_table
from ncf_assets.ncf.report.protocol import headline_k
from ncf_assets.ncf.report.text_table import TextTable
from ncf_assets.ncf.report.verdicts import verdict_table, views

__all__ = [
    "DiversityRow",
    "Facts",
    "HistoryRow",
    "Origin",
    "Plot",
    "Report",
    "headline_k",
    "markdown_text",
    "plots",
    "render",
]

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
MARKS = re.compile(r"[\\`*|~\[\]]|(?<![^\W_])_|_(?![^\W_])")  # `_` inside a word marks nothing


@dataclass(frozen=True)
class Report:
    """The same report three times; equal facts give equal text."""

    markdown: str
    html: str
    json: dict[str, Any]


def render(facts: Facts) -> Report:
    """Return the report of one dataset. Figures that are missing are left out or said to be."""
    content = _content(facts)
    sentences = {name: content[name] for name in ("findings", "method", "caveats")}
    return Report(
        markdown=_environment(markdown=True).get_template("report.md.j2").render(content),
        html=_environment(markdown=False).get_template("report.html.j2").render(content),
        json=document(facts, sentences, content["views"]),
    )


def _content(facts: Facts) -> dict[str, Any]:
    found, compared = scores.read_scores(facts.metrics), views(facts.comparisons)
    protocols = [one.protocol for one in found]
    everyone = [row.k for row in facts.metrics if row.segment == scores.EVERYONE]
    return {
        "facts": facts,
        "subject": model_name(SUBJECT),
        "synthetic_note": SYNTHETIC,
        "findings": findings(facts, found, compared),
        "scores": [(s.protocol, s.labels.values(), scores.score_table(s)) for s in found
                   if not s.protocol.corrected],
        "views": compared,
        "verdicts": verdict_table(compared),
        "sampling": scores.sampling_table(found),
        "ties": scores.tie_table(found),
        "diversity": scores.diversity_table(facts.diversity),
        "diversity_note": method.DIVERSITY,
        "plots": plots(facts),
        "profile": profile_table(facts.profile),
        "method": method.method(protocols, headline_k(everyone)),
        "configuration": _settings(facts),
        "seeds": {name: of["seed"] for name, of in facts.configuration.items() if "seed" in of},
        "caveats": caveats(facts),
    }  # fmt: skip


def _settings(facts: Facts) -> TextTable:
    """Return a row per asset with all its settings."""
    rows = [
        (name, ", ".join(f"{setting} = {value}" for setting, value in settings.items()))
        for name, settings in facts.configuration.items()
    ]
    return TextTable(("Asset", "Settings"), rows, names=2)


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
