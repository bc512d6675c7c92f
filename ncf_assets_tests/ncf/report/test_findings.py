"""The first paragraph says what the figures say, no more and no less."""

from dataclasses import replace

from ncf_assets.ncf.evaluation import Comparison
from ncf_assets.ncf.report import Facts
from ncf_assets.ncf.report.findings import findings, first_sentence
from ncf_assets.ncf.report.scores import read_scores
from ncf_assets.ncf.report.verdicts import views
from ncf_assets_tests.ncf.report.drawn import FACTS, SAMPLED, comparison, metric

BY = "(NDCG@10 among all unseen items, paired 95 % intervals)."


def first(*rows: Comparison, synthetic: bool = False) -> str:
    """Return the verdict that these differences give; intervals are 0.01 to either side."""
    return first_sentence(views(rows), synthetic=synthetic)


def paragraph(facts: Facts) -> list[str]:
    """Return the sentences of the first paragraph."""
    return findings(facts, read_scores(facts.metrics), views(facts.comparisons))


def test_a_win_is_said() -> None:
    """The interval from 0.02 to 0.04 lies above 0."""
    assert first(comparison("popularity", 0.03)) == f"NeuMF beats Popularity {BY}"


def test_a_defeat_is_said_as_plainly() -> None:
    """The interval from -0.04 to -0.02 lies below 0."""
    assert first(comparison("popularity", -0.03)) == f"NeuMF loses to Popularity {BY}"


def test_a_difference_within_its_interval_is_no_victory() -> None:
    """0.009 with 0.01 to either side, ahead or behind."""
    for difference in (0.009, -0.009):
        sentence = first(comparison("ials", difference))
        assert sentence == f"NeuMF cannot be told apart from iALS {BY}"


def test_every_baseline_is_in_the_first_sentence_bad_news_first() -> None:
    """EASE -0.03; iALS +0.005 and GMF +0.01 hold 0; the others are beaten."""
    assert paragraph(FACTS)[0] == (
        "NeuMF loses to EASE, cannot be told apart from iALS and GMF, "
        f"and beats MLP, ItemKNN, Popularity and Random {BY}"
    )


def test_synthetic_data_is_said_before_the_verdict() -> None:
    """The first words of the first sentence."""
    sentence = first(comparison("popularity", 0.03), synthetic=True)
    assert sentence == f"On synthetic data, NeuMF beats Popularity {BY}"


def test_without_a_full_ranking_the_sampled_one_decides_and_is_named() -> None:
    """A reader sees among what the items were ranked."""
    sentence = first(comparison("popularity", 0.03, SAMPLED))
    assert (
        sentence == "NeuMF beats Popularity (NDCG@10 among 99 random items, paired 95 % intervals)."
    )


def test_agreement_of_the_other_views_is_said_once() -> None:
    """HR@10 and both metrics among 99 random items: the same verdicts."""
    assert paragraph(FACTS)[1] == "The verdicts by HR@10 and among 99 random items are the same."


def test_a_view_that_sees_it_otherwise_is_told_with_what_differs() -> None:
    """Sampled figures rank NeuMF above EASE: only that is told, and once."""
    rows = [
        replace(row, difference=0.03, ci_low=0.02, ci_high=0.04)
        if (row.baseline, row.protocol) == ("ease", SAMPLED)
        else row
        for row in FACTS.comparisons
    ]
    assert paragraph(replace(FACTS, comparisons=rows))[1:-1] == [
        "By NDCG@10 among 99 random items and HR@10 among 99 random items, it beats EASE."
    ]


def test_the_figure_behind_the_verdict_is_given_with_the_best() -> None:
    """NeuMF 0.29, EASE 0.32."""
    assert paragraph(FACTS)[-1] == (
        "Its NDCG@10 among all unseen items is 0.2900 (0.2800 to 0.3000), the mean over 1,234 test "
        "users with one held-out item each; the highest is EASE's, 0.3200."
    )


def test_a_best_model_is_not_compared_with_itself() -> None:
    """Nothing is higher."""
    alone = replace(FACTS, metrics=[metric("neumf", "ndcg", 0.29)])
    assert paragraph(alone)[-1].endswith("one held-out item each; no other model's is higher.")


def test_a_skipped_baseline_is_named_with_its_reason() -> None:
    """It is not beaten by being left out."""
    facts = replace(FACTS, skipped={"ease": "too many items"})
    assert paragraph(facts)[-1] == "Not compared: EASE (too many items)."


def test_a_report_without_comparisons_claims_nothing() -> None:
    """NeuMF alone, baselines alone, or nothing at all."""
    assert paragraph(replace(FACTS, comparisons=[]))[0] == (
        "NeuMF has not been compared with any other model."
    )
    only_others = replace(FACTS, comparisons=[], metrics=[metric("ease", "ndcg", 0.3)])
    assert paragraph(only_others)[-1] == "There are no figures for NeuMF."
    assert paragraph(replace(FACTS, metrics=[])) == ["No model has been evaluated."]


def test_an_equal_figure_is_not_higher() -> None:
    """EASE comes before NeuMF in the alphabet, and in the table of 0.29 each."""
    equal = replace(FACTS, metrics=[metric(model, "ndcg", 0.29) for model in ("ease", "neumf")])
    assert paragraph(equal)[-1].endswith("one held-out item each; no other model's is higher.")
