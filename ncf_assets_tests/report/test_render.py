"""HTML and Markdown show everything, escape all text, and fetch nothing."""

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from ncf_assets.report import (
    DiversityRow,
    Example,
    ExampleItem,
    FilterRow,
    HistoryRow,
    Origin,
    Report,
    ReportData,
    markdown_text,
    render,
)
from ncf_assets_tests.report.drawn import DATA, HISTORY, UNDRAWN, comparison, metric, model


@cache
def drawn_report() -> Report:
    """Return the report on the drawn data, which takes a second to make."""
    return render(DATA)


HOSTILE = "<script>alert(1)</script>|`x`"
HOSTILE_ITEM = ExampleItem(HOSTILE, HOSTILE, HOSTILE)


def test_best_figures_are_bold_in_markdown_and_starred_in_html() -> None:
    """EASE is best in all four columns of both protocols."""
    assert (
        "| EASE | **0.4200** | 0.4100 to 0.4300 | **0.3200** | 0.3100 to" in drawn_report().markdown
    )
    assert (
        "| NeuMF | 0.3900 | 0.3800 to 0.4000 | 0.2900 | 0.2800 to 0.3000 |"
        in drawn_report().markdown
    )
    assert drawn_report().html.count('title="best"') == 8


def test_paired_differences_are_in_both_forms_with_their_verdict() -> None:
    """EASE differs by -0.03 in NDCG of the full ranking, with 0.01 to either side."""
    assert "| EASE | −0.0300 | −0.0400 to −0.0200 | worse |" in drawn_report().markdown
    assert drawn_report().html.count(">worse<") == 1 + 4  # the table of verdicts, and 4 views


def test_filters_and_what_decides_the_reading_are_shown() -> None:
    """A separator that is a comma stands in quotes, and so does a quote."""
    reading = {"format": "table", "separator": ",", "quote": '"'}
    filters = [FilterRow(1, "min_rating 4.0", 1_234, 7, 0)]
    report = render(replace(UNDRAWN, filters=filters, configuration={"raw_reviews": reading}))
    assert "| min_rating 4.0 | 1,234 | 7 | 0 |" in report.markdown
    assert "<td>1,234</td><td>7</td><td>0</td>" in report.html
    assert report.json["filters"][0]["pairs"] == 1_234
    shown = 'format = table, separator = ",", quote = "\\""'
    assert escape(shown) in report.html
    assert "filters take away" not in drawn_report().markdown


def test_equal_data_make_equal_reports() -> None:
    """A report has no random id, and its date is in the texts alone."""
    assert render(DATA) == drawn_report()
    said = (
        "Made on 2026-11-30 at 08:05 UTC by ncf-assets 0.1.0, in run 1a2b, 93 s after that began."
    )
    assert said in drawn_report().html
    undated = render(replace(UNDRAWN, made=None))
    assert "Made on" not in undated.markdown
    assert undated.json == render(UNDRAWN).json


def test_the_sections_come_in_reading_order() -> None:
    """The results come first, and their limits last."""
    expected = ["Results", "Some users", "Plots", "Data", "Protocol and configuration"]
    expected += ["To reproduce these numbers", "Caveats"]
    assert re.findall(r"^## (.+)$", drawn_report().markdown, flags=re.MULTILINE) == expected
    assert re.findall(r"<h2[^>]*>(.+?)</h2>", drawn_report().html) == expected
    assert re.findall(r'<a href="#\w+">(.+?)</a>', drawn_report().html) == expected


def test_synthetic_data_is_said_before_anything_else() -> None:
    """The note precedes the verdict in both forms, and real data has none."""
    report = render(replace(UNDRAWN, synthetic=True))
    for text in (report.markdown, report.html):
        assert (
            0
            < text.index("synthetic: a generated sample")
            < text.index("On synthetic data, NeuMF loses to")
        )
    assert "synthetic: a generated sample" not in drawn_report().html


def test_configuration_versions_and_hashes_are_in_both_forms() -> None:
    """They are all that is needed to make the numbers again."""
    assert (
        "| neumf_model | factors = 8, tower = \\[64, 32\\], seed = 2017 |"
        in drawn_report().markdown
    )
    assert "| keras | 3.15.1 |" in drawn_report().markdown
    assert "| neumf_model | 2017 |" in drawn_report().markdown
    assert "| train | ab12cd | ef34ab |" in drawn_report().markdown
    shown = ("[64, 32]", "3.15.1", "2017", "ab12cd", "ef34ab", "5d41402a")
    assert all(text in drawn_report().html for text in shown)


def hostile_data() -> ReportData:
    """Return report data with markup in every place that takes text."""
    return replace(
        DATA,
        dataset=HOSTILE,
        title=HOSTILE,
        metrics=[*DATA.metrics, *model(HOSTILE, 0.3)],
        comparisons=[*DATA.comparisons, comparison(HOSTILE, 0.0)],
        diversity=[DiversityRow(HOSTILE, "gini", 10, 0.5)],
        history=[*HISTORY, HistoryRow(HOSTILE, "choose", 1, 0.5, 0.3, 0.2, 1.0, 1.0)],
        examples=[Example(HOSTILE, [HOSTILE_ITEM], [HOSTILE], {HOSTILE: [HOSTILE_ITEM]})],
        configuration={HOSTILE: {HOSTILE: HOSTILE, "seed": HOSTILE}},
        versions={HOSTILE: HOSTILE},
        origins={HOSTILE: Origin(HOSTILE, HOSTILE)},
        source_sha256=HOSTILE,
    )


@cache
def hostile_report() -> Report:
    """Return the report on them."""
    return render(hostile_data())


def test_markup_in_any_text_comes_out_escaped() -> None:
    """A title, an id or a model's name is text, also inside the curves."""
    report = hostile_report()
    assert "<script" not in report.html
    assert "<script" not in report.markdown
    assert "# &lt;script&gt;alert(1)&lt;/script&gt;\\|\\`x\\`: evaluation" in report.markdown


def test_a_pipe_does_not_add_a_column() -> None:
    """Every row of a Markdown table has as many cells as its head."""
    tables = re.findall(r"(?:^\|.*\n)+", hostile_report().markdown, flags=re.MULTILINE)
    # verdicts, 2 of scores, differences, sampling, diversity, ties, 2 of a user, 4 of plots, data,
    # choices, configuration, versions, seeds, hashes
    assert len(tables) == 19
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1


@given(st.text())
def test_escaped_markdown_is_one_line_without_live_marks(text: str) -> None:
    """No text gives a line break, a tag, or a pipe or backtick without its backslash."""
    escaped = markdown_text(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search("[<>]", escaped)
    without_pairs = re.sub(r"\\.", "", escaped)
    assert not re.search(r"[|`*\[\]~\\]", without_pairs)


def test_underscores_inside_words_stay_readable() -> None:
    """`raw_reviews` needs no backslash, `_emphasis_` does."""
    assert markdown_text("raw_reviews _emphasis_") == r"raw_reviews \_emphasis\_"


class Links(HTMLParser):
    """A parser that collects what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every script, style sheet, and address outside the page itself."""
        if tag in ("script", "link", "img", "iframe", "object", "base"):
            self.found.append(tag)
        links = (v or "" for name, v in attrs if name in ("src", "href", "xlink:href", "srcset"))
        self.found += [link for link in links if not link.startswith("#")]


def test_the_page_fetches_and_runs_nothing() -> None:
    """It is one file without network and scripts; its policy would refuse them anyway."""
    html = drawn_report().html
    parser = Links()
    parser.feed(html)
    assert parser.found == []
    assert not re.search(r"@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_nothing_at_all_still_makes_a_report() -> None:
    """An evaluation that never ran says so instead of failing."""
    report = render(ReportData("d", "t", synthetic=False))
    for text in (report.markdown, report.html):
        assert "No model has been evaluated." in text
        assert "There are no figures." in text
        assert "There is nothing to draw." in text
        assert "No counts were recorded." in text


def test_a_report_of_another_protocol_has_its_figures_in_both_forms() -> None:
    """It has 50 negatives and k = 5, so only validation is at 10."""
    rows = [metric("neumf", name, 0.4, "sampled-50", k=5) for name in ("hr", "ndcg")]
    report = render(replace(DATA, metrics=rows, comparisons=[]))
    assert "| Model | HR@5 | 95\xa0% interval | NDCG@5 | 95\xa0% interval |" in report.markdown
    for text in (report.markdown, report.html):
        assert "among 50 random items" in text
        assert not re.search(r"(?<!Validation )HR@10|sampled-99", text)


def test_the_json_says_the_same_for_programs() -> None:
    """It has the sentences, the verdicts by name, and the figures unrounded."""
    written = json.loads(json.dumps(drawn_report().json))
    assert written["findings"][0].startswith("NeuMF loses to EASE")
    assert written["verdicts"]["NDCG@10 full"]["ease"] == "worse"
    assert written["verdicts"]["HR@10 sampled-99"]["ials"] == "undecided"
    assert len(written["comparisons"]) == len(DATA.comparisons)
    assert written["data"]["tied_users"] == 0.44
    assert written["data"]["first_time"] == "2013-05-02T08:30:00"
    assert written["origins"]["train"] == {"content": "ab12cd", "code": "ef34ab"}


def test_the_json_leaves_parts_that_are_not_drawn_to_the_table() -> None:
    """It has all figures of all users, and NDCG@10 of segments."""
    other = metric("neumf", "hr", 0.5, segment="cold")
    written = render(replace(DATA, metrics=[*DATA.metrics, other])).json["metrics"]
    assert len(written) == len(DATA.metrics)
