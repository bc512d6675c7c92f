"""The two documents show everything, let nothing in, and leave nothing to fetch."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.report import Facts, HistoryRow, markdown_text, render, training_curve_png
from ncf_assets_tests.ncf.report.drawn import FACTS, HISTORY, SHORT, model

HOSTILE = "<script>alert(1)</script>|`x`"


def test_best_figures_are_bold_in_markdown_and_starred_in_html() -> None:
    """Both of NeuMF's figures are the best: two marks, all in its row."""
    report = render(FACTS)
    row = "| NeuMF | **0.460** | 0.450 to 0.470 | **0.290** | 0.280 to 0.300 |"
    assert row in report.markdown
    assert "| Popularity | 0.250 | 0.240 to 0.260 | 0.130 | 0.120 to 0.140 |" in report.markdown
    assert report.html.count('title="best"') == 2


def test_an_empty_history_is_said() -> None:
    """No curve, no table: a sentence, and an image that carries it."""
    report = render(replace(FACTS, history=[]))
    assert "No training history was recorded." in report.html
    assert "No training history was recorded." in report.markdown
    assert training_curve_png([]).startswith(b"\x89PNG")


def test_equal_facts_make_equal_reports() -> None:
    """Neither a date nor a random id is in it."""
    assert render(FACTS) == render(FACTS)


def test_the_sections_come_in_reading_order() -> None:
    """What was found first, what it cannot show last."""
    expected = ["Results", "Training", "Data", "Protocol and configuration"]
    expected += ["To reproduce these numbers", "Caveats"]
    report = render(FACTS)
    assert re.findall(r"^## (.+)$", report.markdown, flags=re.MULTILINE) == expected
    assert re.findall(r"<h2>(.+?)</h2>", report.html) == expected


def test_synthetic_data_is_said_before_anything_else() -> None:
    """The note precedes the verdict in both forms, and real data has none."""
    report = render(replace(FACTS, synthetic=True))
    for text in (report.markdown, report.html):
        assert 0 < text.index("synthetic: a generated sample") < text.index("NeuMF beats")
    assert "synthetic: a generated sample" not in render(FACTS).html


def test_configuration_versions_and_hashes_are_in_both_forms() -> None:
    """All that is needed to make the numbers again."""
    report = render(FACTS)
    assert "| neumf_model | tower | \\[64, 32\\] |" in report.markdown
    assert "| keras | 3.15.1 |" in report.markdown
    assert "| train | ab12cd |" in report.markdown
    assert all(text in report.html for text in ("[64, 32]", "3.15.1", "ab12cd"))


def hostile_facts() -> Facts:
    """Return facts with markup in every place that takes text."""
    return Facts(
        dataset=HOSTILE,
        title=HOSTILE,
        metrics=[*FACTS.metrics, *model(HOSTILE, 0.3, 0.2)],
        history=[*HISTORY, HistoryRow(HOSTILE, 1, 0.5, 0.3, 0.2, 1.0, 1.0)],
        counts={HOSTILE: 1},
        configuration={HOSTILE: {HOSTILE: HOSTILE}},
        versions={HOSTILE: HOSTILE},
        hashes={HOSTILE: HOSTILE},
        synthetic=False,
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
    assert len(tables) == 7  # scores, ties, epochs, counts, configuration, versions, hashes
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
    html = render(FACTS).html
    parser = Links()
    parser.feed(html)
    assert parser.found == []
    assert not re.search(r"@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_nothing_at_all_still_makes_a_report() -> None:
    """An evaluation that never ran says so instead of failing."""
    report = render(Facts("d", "t", [], [], {}, {}, {}, {}, False))
    for text in (report.markdown, report.html):
        assert "No model has been evaluated." in text
        assert "There are no figures." in text
        assert "No counts were recorded." in text


def test_a_report_of_another_protocol_has_its_figures_in_both_forms() -> None:
    """50 negatives and k = 5: no figure is missing, and ten is left to validation alone."""
    report = render(replace(FACTS, metrics=model("neumf", 0.46, 0.29, SHORT)))
    assert "| Model | HR@5 | 95 % interval | NDCG@5 | 95 % interval |" in report.markdown
    assert "| NeuMF | **0.460** |" in report.markdown
    for text in (report.markdown, report.html):
        assert "There are no figures." not in text
        assert "Guessing would reach HR@5 0.098" in text
        assert not re.search(r"(?<!Validation )HR@10|sampled-99", text)
