"""The first paragraph says what the figures say, no more and no less."""

from dataclasses import replace

from ncf_assets.ncf.evaluation.summary import Comparison
from ncf_assets.report import HistoryRow, ReportData
from ncf_assets.report.comparisons import views
from ncf_assets.report.findings import findings, first_sentence
from ncf_assets.report.scores import read_scores
from ncf_assets_tests.report.drawn import DATA, SAMPLED, comparison, metric

BY = "(NDCG@10 among all unseen items, paired 95 % intervals)."
ONE = comparison("popularity", 0.03)


def first(*rows: Comparison, synthetic: bool = False) -> str:
    """Return the verdict that these differences give; intervals are 0.01 to either side."""
    return first_sentence(views(rows), synthetic=synthetic)


def paragraph(data: ReportData) -> list[str]:
    """Return the sentences of the first paragraph."""
    return findings(data, read_scores(data.metrics), views(data.comparisons))


def test_a_win_is_said() -> None:
    """The interval from 0.02 to 0.04 lies above 0."""
    assert first(comparison("popularity", 0.03)) == f"NeuMF beats Popularity {BY}"


def test_a_defeat_is_said_as_plainly() -> None:
    """The interval from -0.04 to -0.02 lies below 0."""
    assert first(comparison("popularity", -0.03)) == f"NeuMF loses to Popularity {BY}"


def test_a_difference_within_its_interval_is_no_victory() -> None:
    """The difference is 0.009 with 0.01 to either side, ahead or behind."""
    for difference in (0.009, -0.009):
        sentence = first(comparison("ials", difference))
        assert sentence == f"NeuMF cannot be told apart from iALS {BY}"


def test_every_baseline_is_in_the_first_sentence_bad_news_first() -> None:
    """EASE is ahead by 0.03; the intervals of Blend, +0.003, iALS and GMF have 0 in them."""
    assert paragraph(DATA)[0] == (
        "NeuMF loses to EASE, cannot be told apart from Blend, iALS and GMF, and beats NeuMF from"
        f" scratch, MLP, ItemKNN, Popularity and Random {BY}"
    )


def test_synthetic_data_is_said_before_the_verdict() -> None:
    """The first sentence begins with it."""
    sentence = first(comparison("popularity", 0.03), synthetic=True)
    assert sentence == f"On synthetic data, NeuMF beats Popularity {BY}"


def test_a_training_that_improved_nothing_is_said_in_the_first_sentence() -> None:
    """NeuMF's epoch 0 was better on validation than epoch 1; so it is iALS by another name."""
    untrained = HistoryRow("neumf", "choose", 0, None, 0.5, 0.3, 1.0, None)
    said = paragraph(replace(DATA, history=[untrained, *DATA.history], comparisons=[ONE]))[0]
    assert said == (
        "NeuMF is iALS here, as no epoch of its training was better on validation; it beats"
        f" Popularity {BY}"
    )
    assert paragraph(replace(DATA, comparisons=[ONE]))[0] == f"NeuMF beats Popularity {BY}"


def test_the_second_fit_does_not_say_whether_training_helped() -> None:
    """A fit that ends at epoch 0 was told to, by the one that chose; alone it proves nothing."""
    again = HistoryRow("neumf", "test", 0, None, None, None, 1.0, None)
    data = replace(DATA, history=[again], comparisons=[ONE])
    assert paragraph(data)[0] == f"NeuMF beats Popularity {BY}"


def test_without_a_full_ranking_the_sampled_one_decides_and_is_named() -> None:
    """A reader sees which items were ranked."""
    sentence = first(comparison("popularity", 0.03, SAMPLED))
    assert (
        sentence == "NeuMF beats Popularity (NDCG@10 among 99 random items, paired 95 % intervals)."
    )


def test_agreement_of_the_other_views_is_said_once() -> None:
    """HR@10 and both metrics among 99 random items have the same verdicts."""
    assert paragraph(DATA)[1] == "The verdicts by HR@10 and among 99 random items are the same."


def test_a_view_with_other_verdicts_is_named_with_them() -> None:
    """Sampled figures rank NeuMF above EASE; only that is said, and once."""
    rows = [
        replace(row, difference=0.03, ci_low=0.02, ci_high=0.04)
        if (row.baseline, row.protocol) == ("ease", SAMPLED)
        else row
        for row in DATA.comparisons
    ]
    assert paragraph(replace(DATA, comparisons=rows))[1:-1] == [
        "By NDCG@10 among 99 random items and HR@10 among 99 random items, it beats EASE."
    ]


def test_the_figure_behind_the_verdict_is_given_with_the_best() -> None:
    """NeuMF has 0.29, and EASE 0.32."""
    assert paragraph(DATA)[-1] == (
        "Its NDCG@10 among all unseen items is 0.2900 (0.2800 to 0.3000), the mean over 1,234 test "
        "users with one held-out item each; the highest is EASE's, 0.3200."
    )


def test_a_best_model_is_not_compared_with_itself() -> None:
    """No model is higher."""
    alone = replace(DATA, metrics=[metric("neumf", "ndcg", 0.29)])
    assert paragraph(alone)[-1].endswith("one held-out item each; no other model's is higher.")


def test_a_skipped_baseline_is_named_with_its_reason() -> None:
    """A baseline that is left out is not beaten."""
    data = replace(DATA, skipped={"ease": "too many items"})
    assert paragraph(data)[-1] == "Not compared: EASE (too many items)."


def test_a_report_without_comparisons_claims_nothing() -> None:
    """It may have NeuMF alone, baselines alone, or no model at all."""
    assert paragraph(replace(DATA, comparisons=[]))[0] == (
        "NeuMF has not been compared with any other model."
    )
    only_others = replace(DATA, comparisons=[], metrics=[metric("ease", "ndcg", 0.3)])
    assert paragraph(only_others)[-1] == "There are no figures for NeuMF."
    assert paragraph(replace(DATA, metrics=[])) == ["No model has been evaluated."]


def test_an_equal_figure_is_not_higher() -> None:
    """EASE precedes NeuMF in the alphabet, and in the table where both have 0.29."""
    equal = replace(DATA, metrics=[metric(model, "ndcg", 0.29) for model in ("ease", "neumf")])
    assert paragraph(equal)[-1].endswith("one held-out item each; no other model's is higher.")
