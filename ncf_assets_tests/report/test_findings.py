"""The first paragraph says what the figures say, no more and no less."""

from dataclasses import replace

from ncf_assets.ncf.evaluation.summary import Comparison
from ncf_assets.report import HistoryRow, ReportData
from ncf_assets.report.comparisons import views
from ncf_assets.report.findings import findings, first_sentence
from ncf_assets.report.scores import read_scores
from ncf_assets_tests.report.drawn import DATA, SAMPLED, comparison, metric

BY = "(NDCG@10 among all unseen items, 95 % intervals that hold together)."
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


def test_a_difference_within_the_margin_is_equality() -> None:
    """Intervals of .001 to either side lie within .005."""
    close = replace(comparison("gmf", 0.001), ci_low=0.0, ci_high=0.002)
    assert first(close) == f"NeuMF does as well as GMF {BY}"


def test_a_training_that_improved_nothing_is_said_in_the_second_sentence() -> None:
    """NeuMF's epoch 0 was better on validation than epoch 1; so it is iALS by another name."""
    start = HistoryRow("neumf", "choose", 0, None, 0.5, 0.3, 1.0, None)
    worse, better = (replace(start, epoch=1, validation_ndcg_at_10=v) for v in (0.29, 0.31))
    said = paragraph(replace(DATA, history=[start, worse]))[1]
    assert said == "It is iALS by another name here: no epoch of its training was better."
    assert paragraph(replace(DATA, history=[start, better]))[1] == (
        "Its training improved on its start, iALS: NDCG@10 on validation rose from 0.3000 to 0.3100"
        " by epoch 1."
    )


def test_the_second_fit_does_not_say_whether_training_helped() -> None:
    """A fit that ends at epoch 0 was told to, by the one that chose; alone it proves nothing."""
    again = HistoryRow("neumf", "test", 0, None, None, None, 1.0, None)
    assert paragraph(replace(DATA, history=[again]))[1].startswith("Its NDCG@10 among all")


def test_without_a_full_ranking_the_sampled_one_decides_and_is_named() -> None:
    """A reader sees which items were ranked."""
    sentence = first(comparison("popularity", 0.03, SAMPLED))
    assert sentence == f"NeuMF beats Popularity {BY.replace('all unseen', '99 random')}"


def test_the_figure_behind_the_verdict_is_given_with_the_best() -> None:
    """NeuMF has 0.29, and EASE 0.32."""
    assert paragraph(DATA)[-1] == (
        "Its NDCG@10 among all unseen items is 0.2900 (0.2800 to 0.3000), the mean over 1,234 test "
        "users with one held-out item each; the highest is EASE's, 0.3200."
    )


def test_users_without_history_are_counted_apart() -> None:
    """A time split tests 169 of whom nothing is known; leave-one-out has none."""
    profile = {"split": "time_split", "targets": "all", "new_test_users": 169}
    *_, figures, new = paragraph(replace(DATA, profile=profile))
    assert "1,234 test users with one or more held-out items each; the highest" in figures
    assert new == (
        "Not among them, but a segment of their own: 169 users without any interaction before the"
        " cut, of whom no model knows anything."
    )
    none = replace(DATA, profile={"split": "leave_one_out", "new_test_users": 0})
    assert paragraph(none) == paragraph(DATA)


def test_a_best_model_is_not_compared_with_itself() -> None:
    """No model is higher."""
    alone = replace(DATA, metrics=[metric("neumf", "ndcg", 0.29)])
    assert paragraph(alone)[-1].endswith("one held-out item each; no other model's is higher.")


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
