"""Render the evaluation report as one self-contained HTML page, as Markdown and as JSON.

`data` defines what goes in. `comparisons` tabulates who beats whom, and `findings` says it.
`scores`, `epochs` and `profile` turn figures into rows of text, `method` and `caveats` into
sentences, `plots` into drawings, and `document` into JSON; the templates only arrange. The assets
in `ncf_assets.assets.report` read the tables and write the files.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ncf_assets.ncf.evaluation import segments
from ncf_assets.ncf.evaluation.headline import headline_k
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.report import method, scores
from ncf_assets.report.caveats import SYNTHETIC, caveats
from ncf_assets.report.choices import choice_table
from ncf_assets.report.comparisons import difference_table, views
from ncf_assets.report.data import (
    Choice,
    DiversityRow,
    Example,
    ExampleItem,
    FilterRow,
    HistoryRow,
    Made,
    Origin,
    Outside,
    ReportData,
    model_name,
)
from ncf_assets.report.document import document
from ncf_assets.report.examples import NOTE, example_views
from ncf_assets.report.findings import findings
from ncf_assets.report.outside import NOTE as OUTSIDE_NOTE
from ncf_assets.report.outside import outside_table
from ncf_assets.report.plots import Plot, plots
from ncf_assets.report.profile import filter_table, profile_table
from ncf_assets.report.seeds import NOTE as SEEDS_NOTE
from ncf_assets.report.seeds import n_seeds, seed_table
from ncf_assets.report.text_table import TextTable
from ncf_assets.report.verdicts import verdict_rows

__all__ = [
    "Choice",
    "DiversityRow",
    "Example",
    "ExampleItem",
    "FilterRow",
    "HistoryRow",
    "Made",
    "Origin",
    "Outside",
    "Plot",
    "Report",
    "ReportData",
    "markdown_text",
    "plots",
    "render",
]

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
PERCENT = re.compile(r"(?<=\d) %")
MARKS = re.compile(r"[\\`*|~\[\]]|(?<![^\W_])_|_(?![^\W_])")  # `_` inside a word marks nothing


@dataclass(frozen=True)
class Report:
    """The same report in three formats, and its plots; equal data give equal text."""

    markdown: str
    html: str
    json: dict[str, Any]
    plots: list[Plot] = field(compare=False)  # the texts have them


def render(data: ReportData) -> Report:
    """Return the report of one dataset. Missing figures are left out, or the text says so."""
    content = _content(data)
    sentences = {name: content[name] for name in ("findings", "method", "caveats")}
    return Report(
        markdown=_rendered("report.md.j2", content, markdown=True),
        html=_rendered("report.html.j2", content, markdown=False),
        json=document(data, sentences, content["views"]),
        plots=content["plots"],
    )


def _rendered(template: str, content: dict[str, Any], *, markdown: bool) -> str:
    """Return a text in which no line ends between a number and its percent sign."""
    text = _environment(markdown=markdown).get_template(template).render(content)
    return PERCENT.sub("\N{NO-BREAK SPACE}%", text)


def _content(data: ReportData) -> dict[str, Any]:
    found, compared = scores.read_scores(data.metrics), views(data.comparisons)
    protocols = [one.protocol for one in found]
    ks = [row.k for row in data.metrics if row.segment == segments.ALL]
    return {
        "data": data,
        "subject": model_name(EVALUATED_MODEL),
        "synthetic_note": SYNTHETIC,
        "findings": findings(data, found, compared),
        "scores": [(s.protocol, s.labels.values(), scores.score_table(s)) for s in found
                   if not s.protocol.corrected],
        "views": compared,
        "verdicts": verdict_rows(compared, found),
        "differences": difference_table(compared),
        "by_seed": seed_table(data, found),
        "by_seed_note": SEEDS_NOTE,
        "sampling": scores.sampling_table(found),
        "ties": scores.tie_table(found),
        "outside": outside_table(data.outside),
        "outside_note": OUTSIDE_NOTE,
        "diversity": scores.diversity_table(data.diversity),
        "diversity_note": method.DIVERSITY,
        "examples": example_views(data.examples, _best_first(found)),
        "examples_note": NOTE,
        "plots": plots(data),
        "profile": profile_table(data.profile),
        "filters": filter_table(data.filters),
        "method": method.method(
            protocols,
            headline_k(ks),
            _margin(data),
            _not_refitted(data),
            data.profile,
            n_seeds(data.metrics),
        ),
        "choices": choice_table(data.choices),
        "made": _made(data.made),
        "explained": method.explained(headline_k(ks)) if found else "",
        "configuration": _settings(data),
        "seeds": {name: of["seed"] for name, of in data.configuration.items() if "seed" in of},
        "caveats": caveats(data),
    }  # fmt: skip


def _best_first(found: Sequence[scores.Scores]) -> list[str]:
    """Return the models by NDCG in the first protocol, the best first."""
    rows = found[0].rows if found else {}
    ndcg = {model: row.value for (model, metric), row in rows.items() if metric == "ndcg"}
    return sorted(ndcg, key=lambda model: -ndcg[model])


def _made(made: Made | None) -> str:
    """Return when, by what and how a report was made; nothing if that is not known."""
    if made is None:
        return ""
    return (
        f"Made on {made.at:%Y-%m-%d at %H:%M} UTC by ncf-assets {made.version}, in run"
        f" {made.run_id}, {made.seconds:,.0f} s after that began."
    )


def _margin(data: ReportData) -> float | None:
    """Return the share of a model's figure below which a difference counts as none."""
    margin = data.configuration.get("comparisons", {}).get("margin")
    return float(str(margin)) if data.comparisons and margin is not None else None


def _not_refitted(data: ReportData) -> list[str]:
    """Return the names of the models whose configuration says that they are not fitted again."""
    return [
        model_name(asset.removesuffix("_model"))
        for asset, settings in data.configuration.items()
        if settings.get("refit") is False
    ]


def _settings(data: ReportData) -> TextTable:
    """Return a row per asset with all its settings."""
    rows = [
        (name, ", ".join(f"{setting} = {_setting(value)}" for setting, value in settings.items()))
        for name, settings in data.configuration.items()
    ]
    return TextTable(("Asset", "Settings"), rows, names=2)


def _setting(value: object) -> str:
    """Return a value as text, in quotes where it would not be told from what is around it."""
    plain = not isinstance(value, str) or re.fullmatch(r"[\w.:-]+", value)
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


@cache
def _environment(*, markdown: bool) -> Environment:
    """Return the templates' environment, which escapes every value by itself."""
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
