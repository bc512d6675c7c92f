"""The two documents show everything, let nothing in, and leave nothing to fetch."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.report import DiversityRow, Facts, HistoryRow, Origin, markdown_text, render
from ncf_assets_tests.ncf.report.drawn import FACTS, HISTORY, comparison, metric, model

REPORT = render(FACTS)
HOSTILE = "<script>alert(1)</script>|`x`"


def test_best_figures_are_bold_in_markdown_and_starred_in_html() -> None:
    """EASE is best in all four columns of both protocols."""
    assert "| EASE | **0.4200** | 0.4100 to 0.4300 | **0.3200** | 0.3100 to" in REPORT.markdown
    assert "| NeuMF | 0.3900 | 0.3800 to 0.4000 | 0.2900 | 0.2800 to 0.3000 |" in REPORT.markdown
    assert REPORT.html.count('title="best"') == 8


def test_paired_differences_are_in_both_forms_with_their_verdict() -> None:
    """EASE by NDCG in the full ranking: -0.03 with 0.01 to either side."""
    assert "| EASE | −0.0300 | −0.0400 to −0.0200 | worse |" in REPORT.markdown
    assert REPORT.html.count(">worse<") == 4  # views


def test_equal_facts_make_equal_reports() -> None:
    """Neither a date nor a random id is in it."""
    assert render(FACTS) == REPORT


def test_the_sections_come_in_reading_order() -> None:
    """What was found first, what it cannot show last."""
    expected = ["Results", "Plots", "Data", "Protocol and configuration"]
    expected += ["To reproduce these numbers", "Caveats"]
    assert re.findall(r"^## (.+)$", REPORT.markdown, flags=re.MULTILINE) == expected
    assert re.findall(r"<h2>(.+?)</h2>", REPORT.html) == expected


def test_synthetic_data_is_said_before_anything_else() -> None:
    """The note precedes the verdict in both forms, and real data has none."""
    report = render(replace(FACTS, synthetic=True))
    for text in (report.markdown, report.html):
        assert (
            0
            < text.index("synthetic: a generated sample")
            < text.index("On synthetic data, NeuMF loses to")
        )
    assert "synthetic: a generated sample" not in REPORT.html


def test_configuration_versions_and_hashes_are_in_both_forms() -> None:
    """All that is needed to make the numbers again."""
    assert "| neumf_model | factors = 8, tower = \\[64, 32\\], seed = 2017 |" in REPORT.markdown
    assert "| keras | 3.15.1 |" in REPORT.markdown
    assert "| neumf_model | 2017 |" in REPORT.markdown
    assert "| train | ab12cd | ef34ab |" in REPORT.markdown
    shown = ("[64, 32]", "3.15.1", "2017", "ab12cd", "ef34ab", "5d41402a")
    assert all(text in REPORT.html for text in shown)


def hostile_facts() -> Facts:
    """Return facts with markup in every place that takes text."""
    return replace(
        FACTS,
        dataset=HOSTILE,
        title=HOSTILE,
        metrics=[*FACTS.metrics, *model(HOSTILE, 0.3)],
        comparisons=[*FACTS.comparisons, comparison(HOSTILE, 0.0)],
        diversity=[DiversityRow(HOSTILE, "gini", 10, 0.5)],
        history=[*HISTORY, HistoryRow(HOSTILE, 1, 0.5, 0.3, 0.2, 1.0, 1.0)],
        configuration={HOSTILE: {HOSTILE: HOSTILE, "seed": HOSTILE}},
        versions={HOSTILE: HOSTILE},
        origins={HOSTILE: Origin(HOSTILE, HOSTILE)},
        source_sha256=HOSTILE,
        skipped={HOSTILE: HOSTILE},
    )


def test_markup_in_any_text_comes_out_escaped() -> None:
    """A title, an id or a model's name is text, also inside the curves."""
    report = render(hostile_facts())
    assert "<script" not in report.html
    assert "<script" not in report.markdown
    assert "# &lt;script&gt;alert(1)&lt;/script&gt;\\|\\`x\\`: evaluation" in report.markdown


def test_a_pipe_does_not_add_a_column() -> None:
    """Every row of a Markdown table has as many cells as its head."""
    tables = re.findall(r"(?:^\|.*\n)+", render(hostile_facts()).markdown, flags=re.MULTILINE)
    # 2 of scores, differences, sampling, diversity, ties, 4 of plots, data, configuration,
    # versions, seeds, hashes
    assert len(tables) == 15
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1


@given(st.text())
def test_escaped_markdown_is_one_line_without_live_marks(text: str) -> None:
    """Whatever the text: no line break, no tag, no pipe or backtick without its backslash."""
    escaped = markdown_text(text)
    assert len(escaped.splitlines()) <= 1
    assert not re.search("[<>]", escaped)
    without_pairs = re.sub(r"\\.", "", escaped)
    assert not re.search(r"[|`*\[\]~\\]", without_pairs)


def test_underscores_inside_words_stay_readable() -> None:
    """`raw_reviews` needs no backslash, `_emphasis_` does."""
    assert markdown_text("raw_reviews _emphasis_") == r"raw_reviews \_emphasis\_"


class Links(HTMLParser):
    """Collects what a browser would fetch or run."""

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
    """One file, no network, no scripts; its policy would refuse them anyway."""
    html = REPORT.html
    parser = Links()
    parser.feed(html)
    assert parser.found == []
    assert not re.search(r"@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_nothing_at_all_still_makes_a_report() -> None:
    """An evaluation that never ran says so instead of failing."""
    report = render(Facts("d", "t", synthetic=False))
    for text in (report.markdown, report.html):
        assert "No model has been evaluated." in text
        assert "There are no figures." in text
        assert "There is nothing to draw." in text
        assert "No counts were recorded." in text


def test_a_report_of_another_protocol_has_its_figures_in_both_forms() -> None:
    """50 negatives and k = 5: ten is left to validation alone."""
    rows = [metric("neumf", name, 0.4, "sampled-50", k=5) for name in ("hr", "ndcg")]
    report = render(replace(FACTS, metrics=rows, comparisons=[]))
    assert "| Model | HR@5 | 95 % interval | NDCG@5 | 95 % interval |" in report.markdown
    for text in (report.markdown, report.html):
        assert "among 50 random items" in text
        assert not re.search(r"(?<!Validation )HR@10|sampled-99", text)


def test_the_json_says_the_same_for_programs() -> None:
    """Sentences, verdicts by name, and figures unrounded."""
    written = json.loads(json.dumps(REPORT.json))
    assert written["findings"][0].startswith("NeuMF loses to EASE")
    assert written["verdicts"]["NDCG@10 full"]["ease"] == "loses"
    assert written["verdicts"]["HR@10 sampled-99"]["ials"] == "level"
    assert len(written["comparisons"]) == len(FACTS.comparisons)
    assert written["data"]["tied_users"] == 0.44
    assert written["origins"]["train"] == {"content": "ab12cd", "code": "ef34ab"}


def test_the_json_leaves_parts_that_are_not_drawn_to_the_table() -> None:
    """All of all users; of parts, NDCG@10."""
    other = metric("neumf", "hr", 0.5, segment="cold")
    written = render(replace(FACTS, metrics=[*FACTS.metrics, other])).json["metrics"]
    assert len(written) == len(FACTS.metrics)
