"""The first paragraph says what the figures say, no more and no less."""

import re
from collections.abc import Sequence

import pytest

from ncf_assets.ncf.report import MetricRow
from ncf_assets.ncf.report.findings import findings
from ncf_assets.ncf.report.scores import read_scores
from ncf_assets_tests.ncf.report.drawn import POPULARITY, SHORT, model


def first_sentence(*models: Sequence[MetricRow]) -> str:
    """Return the verdict on the given models' figures."""
    return findings(read_scores([row for rows in models for row in rows]))[0]


def test_a_win_is_said_with_figures_and_by_how_much() -> None:
    """Intervals that do not meet: NeuMF beats popularity."""
    # .460 - .250 = .210, .290 - .130 = .160; .450 > .260 and .280 > .140
    assert first_sentence(model("neumf", 0.46, 0.29), POPULARITY) == (
        "NeuMF beats Popularity on HR@10 by 0.210 (0.460 against 0.250) "
        "and on NDCG@10 by 0.160 (0.290 against 0.130)."
    )


def test_a_defeat_is_said_as_plainly() -> None:
    """Intervals that do not meet, the other way round: NeuMF loses."""
    # .250 - .200 = .050, .130 - .100 = .030; .210 < .240 and .110 < .120
    assert first_sentence(model("neumf", 0.2, 0.1), POPULARITY) == (
        "NeuMF loses to Popularity on HR@10 by 0.050 (0.200 against 0.250) "
        "and on NDCG@10 by 0.030 (0.100 against 0.130)."
    )


@pytest.mark.parametrize(
    ("hr", "ndcg", "words"),
    [(0.26, 0.14, "is ahead of Popularity"), (0.24, 0.12, "is behind Popularity")],
)
def test_overlapping_intervals_are_no_victory(hr: float, ndcg: float, words: str) -> None:
    """A difference of 0.010 with intervals of 0.010 to either side decides nothing."""
    sentence = first_sentence(model("neumf", hr, ndcg), POPULARITY)
    assert sentence.startswith(f"NeuMF {words} on HR@10 by 0.010")
    assert sentence.endswith("but the 95 % intervals overlap.")


def test_intervals_that_touch_overlap() -> None:
    """0.270 - 0.010 = 0.250 + 0.010: the ends are the same number."""
    assert "is ahead of" in first_sentence(model("neumf", 0.27, 0.15), POPULARITY)


def test_a_model_that_learnt_nothing_is_told_before_what_it_is_ahead_of() -> None:
    """HR@10 .067 is above popularity's .044 and below the .100 of guessing."""
    models = model("neumf", 0.067, 0.03), model("popularity", 0.044, 0.02)
    first, second, *_ = findings(read_scores([row for rows in models for row in rows]))
    assert first == (
        "NeuMF is no better than guessing: HR@10 0.067, where guessing would reach 0.100."
    )
    assert second.startswith("NeuMF beats Popularity")


def test_metrics_that_disagree_are_told_apart() -> None:
    """HR wins by 0.050 while NDCG loses by 0.030."""
    assert first_sentence(model("neumf", 0.3, 0.1), POPULARITY) == (
        "NeuMF beats Popularity on HR@10 by 0.050 (0.300 against 0.250), "
        "and loses to it on NDCG@10 by 0.030 (0.100 against 0.130)."
    )


def test_figures_equal_as_shown_are_level() -> None:
    """0.2503 and 0.25 are both printed 0.250."""
    sentence = first_sentence(model("neumf", 0.2503, 0.13), POPULARITY)
    assert sentence.startswith("NeuMF is level with Popularity on HR@10 (0.250 against 0.250)")


def test_every_other_model_is_in_the_first_sentence_popularity_first() -> None:
    """The others follow popularity, best first, an unknown one by its own name."""
    others = model("gmf", 0.45, 0.28), model("bpr", 0.5, 0.33)
    sentence = first_sentence(*others, POPULARITY, model("neumf", 0.46, 0.29))
    assert re.findall(r"(\w+ \w+) (Popularity|bpr|GMF)", sentence) == [
        ("NeuMF beats", "Popularity"),
        ("loses to", "bpr"),
        ("ahead of", "GMF"),
    ]
    assert "it loses to bpr on HR@10 by 0.040 and on NDCG@10 by 0.040;" in sentence


def test_neumf_alone_is_compared_with_nothing() -> None:
    """Without another model the sentence gives the figures and says so."""
    assert first_sentence(model("neumf", 0.46, 0.29)) == (
        "NeuMF reaches HR@10 0.460 and NDCG@10 0.290, "
        "and there is no other model to compare it with."
    )


def test_a_report_without_neumf_claims_nothing_about_it() -> None:
    """Baselines alone, or nothing at all, still make a report."""
    assert first_sentence(POPULARITY).startswith("There are no figures for NeuMF")
    assert findings(read_scores([])) == ["No model has been evaluated."]


def test_the_numbers_in_the_sentences_are_those_of_the_run() -> None:
    """With 50 negatives and k = 5, guessing reaches 5/51 = 0.098 and 2.948/51 = 0.058."""
    rows = [*model("neumf", 0.46, 0.29, SHORT), *model("popularity", 0.25, 0.13, SHORT)]
    assert findings(read_scores(rows)) == [
        "NeuMF beats Popularity on HR@5 by 0.210 (0.460 against 0.250) "
        "and on NDCG@5 by 0.160 (0.290 against 0.130).",
        "Each figure is the mean over 1,234 test users; for each, the one item held out for "
        "testing is ranked among 50 random items that the user has not seen (sampled-50).",
        "Guessing would reach HR@5 0.098 and NDCG@5 0.058.",
    ]
