"""Epochs and counts as they are shown."""

from ncf_assets.ncf.report import HistoryRow
from ncf_assets.ncf.report.record import MISSING, chosen_epoch, count_table, epoch_table
from ncf_assets_tests.ncf.report.drawn import FACTS, HISTORY


def test_the_chosen_epoch_has_the_highest_ndcg_and_the_first_of_equals() -> None:
    """A higher HR does not count, nor does a later epoch that is only as good."""
    again = HistoryRow("gmf", 4, 0.2, 0.5, 0.25, 2.0, 1.0)
    chosen = chosen_epoch([row for row in [*HISTORY, again] if row.model == "gmf"])
    assert chosen is not None
    assert chosen.epoch == 2


def test_the_epoch_table_has_the_chosen_and_the_last() -> None:
    """GMF chose epoch 2 after 0.5 + 2 + 2 s and ended at 3; NeuMF's only epoch is both."""
    found = [(r.model, r.epoch, r.seconds, r.examples_per_second) for r in epoch_table(HISTORY)]
    assert found == [
        ("GMF", "2 (chosen)", "4.5", "1,500"),
        ("GMF", "3 (last)", "6.5", "1,500"),
        ("NeuMF", "0 (chosen, last)", "1.0", MISSING),
    ]


def test_counts_have_thousands_separators_and_derived_shares() -> None:
    """12,345 of 1,000 x 50 pairs are 24.69 %; 1 of 4 lines is 25 %; 12,345 / 1,000 is 12.3."""
    rows = dict(count_table({**FACTS.counts, "raw_reviews": 3, "rejected_reviews": 1, "extra": 7}))
    assert rows["Interactions"] == "12,345"
    assert rows["extra"] == "7"
    assert [text for text in rows.values() if "%" in text] == ["24.7 %", "25 %"]
    assert rows["Interactions per user, mean"] == "12.3"


def test_missing_counts_are_not_shown_as_zero() -> None:
    """Without users and items there is no density to speak of."""
    assert count_table({"interactions": 5}) == [("Interactions", "5")]
